// Package mail is the way out by e-mail: Templates make a Message of notices, and SMTP
// carries messages to a mail server. Neither knows when to tell whom, nor keeps
// anything: whoever calls is told of each message whether the server has taken it.
package mail
