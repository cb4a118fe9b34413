// Package api has the JSON of the exporter's registration API, as the server writes it
// and its clients read it. It is meant to be linked into other people's programs, so it
// imports the standard library only; package client is more convenient.
package api
