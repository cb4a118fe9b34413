package config

import (
	"bytes"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Options are those of the file, and nothing else of it: they are needed before the rest
// can be put in force. Faults elsewhere are left to Load.
func (f *File) Options() (map[string]string, error) {
	options, faults, ok := optionsIn(f.path, optionsOnly(f.text))
	if !ok {
		options, faults, _ = optionsIn(f.path, f.text)
	}
	return options, faults.Err()
}

// optionsIn reports whether the text is YAML, too.
func optionsIn(path string, text []byte) (options map[string]string, faults *strictyaml.Faults, ok bool) {
	faults = &strictyaml.Faults{File: path}
	root, ok := strictyaml.Parse(text, faults)
	if !ok {
		return nil, faults, false
	}
	var doc struct {
		Options map[string]yaml.Node `yaml:"options"`
		Rest    map[string]yaml.Node `yaml:",inline"`
	}
	if root != nil {
		newDecoder(&strictyaml.Faults{}).Decode(root, "", &doc) // Load will say what is wrong
	}
	return (&document{Options: doc.Options}).options(faults), faults, true
}

// longFile is from which length on a file is not parsed twice.
const longFile = 256 << 10

// optionsOnly is what has to be parsed of a long file to find its options, on the same
// lines: nothing if there can be none, or the key and what belongs to it, if that can be
// told without parsing all of it. It is needed before anybody can be told that the
// exporter starts.
func optionsOnly(text []byte) []byte {
	const key = "options"
	switch {
	case len(text) < longFile, text[0] >= 0x80: // it may be UTF-16
		return text
	case !bytes.Contains(text, []byte(key)) && !bytes.Contains(text, []byte{'\\'}): // not in escapes either
		return nil
	}
	begin := 0
	if !bytes.HasPrefix(text, []byte(key+":")) {
		if begin = bytes.Index(text, []byte("\n"+key+":")) + 1; begin == 0 {
			return text // written otherwise, or the word is elsewhere
		}
	}
	end := begin
	for end < len(text) { // lines that are indented, empty or comments
		line := text[end:]
		if next := bytes.IndexByte(line, '\n'); next >= 0 {
			line = line[:next+1]
		}
		if end > begin && !bytes.ContainsAny(line[:1], " \t#\r\n") {
			break
		}
		end += len(line)
	}
	block := text[begin:end]
	if bytes.ContainsAny(block, "*&") || bytes.Contains(text[end:], []byte("\n"+key+":")) {
		return text // it has to do with what is elsewhere
	}
	return append(bytes.Repeat([]byte{'\n'}, bytes.Count(text[:begin], []byte{'\n'})), block...)
}
