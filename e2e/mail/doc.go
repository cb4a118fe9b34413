// Package mail tries the exporter's mails on a real Postfix.
package mail
