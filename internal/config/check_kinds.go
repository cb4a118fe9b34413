package config

import (
	"context"
	"reflect"
	"strings"

	"github.com/health-exporter/health_exporter/checks"
)

// kindOfCheck is one kind of check.
type kindOfCheck struct {
	// fresh makes what the keys of the kind are decoded into.
	fresh func() checkKind
	// remote is true if what is looked at is outside of this host.
	remote bool
}

// checkKind is one kind of check with its own options as they are written.
type checkKind interface {
	// check says what is wrong with the options.
	check() error
	// open makes ready what the check needs.
	open(other OtherCheck) (OpenCheck, error)
}

// checkKinds is the table of all kinds of check. Those that need nothing but their
// options are plain: their struct in package checks is all there is of them.
var checkKinds = map[string]kindOfCheck{
	"amqp":        {fresh: fresh[amqpCheck], remote: true},
	"celery":      {fresh: fresh[celeryCheck], remote: true},
	"certificate": {fresh: fresh[plain[checks.CertificateFile]]},
	"clock":       {fresh: fresh[plain[checks.Clock]]},
	"composite":   {fresh: fresh[compositeCheck]},
	"disk":        {fresh: fresh[plain[checks.Disk]]},
	"exec":        {fresh: fresh[plain[checks.Exec]]},
	"file":        {fresh: fresh[plain[checks.File]]},
	"heartbeat":   {fresh: fresh[heartbeatCheck]},
	"load":        {fresh: fresh[plain[checks.Load]]},
	"memory":      {fresh: fresh[plain[checks.Memory]]},
	"migrations":  {fresh: fresh[migrationsCheck], remote: true},
	"ntp":         {fresh: fresh[plain[checks.NTP]], remote: true},
	"pressure":    {fresh: fresh[plain[checks.Pressure]]},
	"process":     {fresh: fresh[plain[checks.Process]]},
	"redis":       {fresh: fresh[redisCheck], remote: true},
	"runtime":     {fresh: fresh[plain[checks.Runtime]]},
	"sql":         {fresh: fresh[sqlCheck], remote: true},
}

func fresh[T any, P interface {
	*T
	checkKind
}]() checkKind {
	return P(new(T))
}

// runner are options that know what is wrong with them, and run.
type runner interface {
	Check() error
	Run(context.Context) error
}

// plain is a check of package checks that needs no opening.
type plain[T runner] struct {
	Options T `yaml:",inline"`
}

func (p *plain[T]) check() error { return p.Options.Check() }

func (p *plain[T]) open(OtherCheck) (OpenCheck, error) { return OpenCheck{Run: p.Options.Run}, nil }

// keyOf is the path of a key by that of the field it is decoded into:
// Tables[0].Name is tables[0].name.
func keyOf(in reflect.Type, field string) string {
	var path []string
	for step := range strings.SplitSeq(field, ".") {
		name, index, indexed := strings.Cut(step, "[")
		key := name
		for in != nil && (in.Kind() == reflect.Pointer || in.Kind() == reflect.Slice) {
			in = in.Elem()
		}
		if in != nil && in.Kind() == reflect.Struct {
			if tag, of, ok := tagOf(in, name); ok {
				key, in = tag, of
			}
		}
		if indexed {
			key += "[" + index
		}
		path = append(path, key)
	}
	return strings.Join(path, ".")
}

// tagOf finds the key of a field, which may be one of a struct that is inlined.
func tagOf(in reflect.Type, field string) (key string, of reflect.Type, ok bool) {
	for f := range in.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline" && f.Type.Kind() == reflect.Struct:
			if key, of, ok := tagOf(f.Type, field); ok {
				return key, of, true
			}
		case f.Name == field && name != "" && name != "-":
			return name, f.Type, true
		}
	}
	return "", nil, false
}
