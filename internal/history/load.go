package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The layout of the file: its version, the buckets, and the keys of "meta".
const (
	schema = 1

	bucketMeta  = "meta"
	bucketMarks = "marks" // subject NUL number → chunk

	metaSchema = "schema" // one byte
	metaBeat   = "beat"   // milliseconds since 1970 as 8 bytes
)

// loaded is what a file holds, as far as it is sound.
type loaded struct {
	subjects map[string]*timeline
	beat     int64 // when the exporter was last alive
	faults   []string
}

// load reads a file without changing it, and trusts nothing in it. An error means that
// nothing could be read.
func load(path string) (*loaded, error) {
	l := &loaded{subjects: map[string]*timeline{}}
	err := guard(func() error {
		var file *os.File
		db, err := bolt.Open(path, 0o600, &bolt.Options{
			ReadOnly: true, Timeout: time.Second, NoStatistics: true, OpenFile: remember(&file),
		})
		defer func() {
			if file != nil {
				_ = file.Close() // after a panic db.Close could wait for ever
			}
		}()
		if err != nil {
			return err
		}
		err = db.View(func(tx *bolt.Tx) error {
			if err := checkPages(tx, file); err != nil {
				return err
			}
			return l.read(tx)
		})
		return errors.Join(err, db.Close())
	})
	return l, err
}

// remember has bbolt open its file in a way that the file can be closed after a panic.
func remember(file **os.File) func(string, int, os.FileMode) (*os.File, error) {
	return func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		*file = f
		return f, err
	}
}

func (l *loaded) read(tx *bolt.Tx) error {
	meta, marks := tx.Bucket([]byte(bucketMeta)), tx.Bucket([]byte(bucketMarks))
	version, err := unseal(metaSchema, meta.Get([]byte(metaSchema)))
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
	beat, err := unseal(metaBeat, meta.Get([]byte(metaBeat)))
	if err == nil && len(beat) == 8 {
		l.beat = int64(binary.BigEndian.Uint64(beat))
		return nil
	}
	l.fault("its beat: %v", err)
	for _, t := range l.subjects { // then it lived until the last change at least
		l.beat = max(l.beat, t.marks[len(t.marks)-1].milli())
	}
	return nil
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
	body, err := unseal(string(key), value)
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
