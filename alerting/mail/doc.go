// Package mail is the way out by e-mail: Templates make a Message of notices, and SMTP
// carries messages to a mail server. Neither knows when to tell whom, nor keeps
// anything: it returns for each message whether the server has accepted it.
package mail
