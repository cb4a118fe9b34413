package history

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
)

// The layout of the file: its version, the buckets, and the keys of "meta".
const (
	schema = 1

	bucketMeta  = "meta"
	bucketMarks = "marks" // subject NUL number → chunk

	metaSchema = "schema" // one byte
	metaBeat   = "beat"   // milliseconds since 1970 as 8 bytes
	metaCursor = "cursor" // the number of the last event taken, as 8 bytes; files of older programs lack it
)

// loaded is what a file holds, as far as it is sound.
type loaded struct {
	subjects map[string]*timeline
	beat     int64 // when the exporter was last alive
	cursor   cursor
	faults   []string
}

// load reads a file without changing it, and trusts nothing in it. An error means that
// nothing could be read.
func load(path string) (*loaded, error) {
	l := &loaded{subjects: map[string]*timeline{}}
	faults, err := durable.Read(path, durable.ReadOptions{Timeout: time.Second, Salvage: true}, l.read)
	l.faults = append(faults, l.faults...)
	if l.beat == 0 { // then it lived until the last change at least
		for _, t := range l.subjects {
			l.beat = max(l.beat, t.marks[len(t.marks)-1].milli())
		}
	}
	return l, err
}

func (l *loaded) read(tx *bolt.Tx) error {
	meta, marks := tx.Bucket([]byte(bucketMeta)), tx.Bucket([]byte(bucketMarks))
	if meta == nil || marks == nil {
		return &durable.DamageError{What: fmt.Sprintf("it lacks one of the buckets %q and %q", bucketMeta, bucketMarks)}
	}
	version, err := durable.Unseal(metaSchema, meta.Get([]byte(metaSchema)))
	if err != nil || len(version) != 1 {
		l.fault("its version: %v", err)
	} else if version[0] != schema {
		return fmt.Errorf("its layout is version %d, this program knows %d", version[0], schema)
	}
	_ = marks.ForEach(func(k, v []byte) error {
		if err := l.chunk(k, v); err != nil {
			l.fault("%q: %v", strings.ToValidUTF8(string(k), "?"), err)
		}
		return nil
	})
	if beat, ok := l.number(meta, metaBeat); ok {
		l.beat = int64(beat)
	}
	if meta.Get([]byte(metaCursor)) != nil {
		l.cursor.seq, l.cursor.known = l.number(meta, metaCursor)
	}
	return nil
}

func (l *loaded) number(meta *bolt.Bucket, name string) (n uint64, ok bool) {
	body, err := durable.Unseal(name, meta.Get([]byte(name)))
	if err != nil || len(body) != 8 {
		l.fault("its %s: %v", name, err)
		return 0, false
	}
	return binary.BigEndian.Uint64(body), true
}

func (l *loaded) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// chunk takes in one chunk; they come in order. What is before one that is lost is
// dropped: it would reach over the hole.
func (l *loaded) chunk(key, value []byte) error {
	subject, number, err := parseChunkKey(key)
	if err != nil {
		return err
	}
	body, err := durable.Unseal(string(key), value)
	var skip int
	var marks []mark
	if err == nil {
		skip, marks, err = decodeChunk(body)
	}
	if err != nil {
		delete(l.subjects, subject)
		return err
	}
	first := uint64(number)*chunkSize + uint64(skip)
	t := l.subjects[subject]
	switch {
	case t == nil:
	case t.end() != first:
		err = fmt.Errorf("marks from %d to %d are missing", t.end(), first)
		t = nil
	case t.marks[len(t.marks)-1].milli() >= marks[0].milli():
		err = errOrder
		t = nil
	}
	if t == nil {
		t = &timeline{first: first}
		l.subjects[subject] = t
	}
	t.marks = append(t.marks, marks...)
	return err
}
