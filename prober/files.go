package prober

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxNamedFile bounds what is read of a file to see what is in it.
const maxNamedFile = 4 << 20

// ReadNamedFile reads a file that a configuration names. What can be read only once, as a
// pipe, is left to whoever needs it: then there is no text, and no error.
func ReadNamedFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory", name)
	case !info.Mode().IsRegular():
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxNamedFile))
}

// CheckTLSFiles finds the files of TLS options with which every handshake fails: those that
// cannot be read, files without certificates, and a key that belongs to another one.
func CheckTLSFiles(ca, cert, key string) (faults []*FieldError) {
	text := map[string][]byte{}
	for _, each := range []struct{ field, file string }{{"ca_file", ca}, {"cert_file", cert}, {"key_file", key}} {
		if each.file == "" {
			continue
		}
		content, err := ReadNamedFile(each.file)
		switch {
		case err != nil:
			faults = append(faults, &FieldError{each.field, err.Error()})
		case content == nil:
		case each.field == "ca_file" && !x509.NewCertPool().AppendCertsFromPEM(content):
			faults = append(faults, &FieldError{each.field, each.file + " has no certificates in PEM"})
		default:
			text[each.field] = content
		}
	}
	if text["cert_file"] != nil && text["key_file"] != nil {
		if _, err := tls.X509KeyPair(text["cert_file"], text["key_file"]); err != nil {
			faults = append(faults, &FieldError{"cert_file", "does not fit key_file, " + strings.TrimPrefix(err.Error(), "tls: ")})
		}
	}
	return faults
}
