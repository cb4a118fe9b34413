package history

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
)

// fileDB is the file in the storage directory.
const fileDB = "history.db"

// keptDamaged is how many damaged files are kept.
const keptDamaged = 3

// disk is the file that is written. It is begun anew with each start of the exporter,
// so that no list of free pages of an old file is ever relied on, and after each
// failure but a full disk, for after an error of fsync nobody knows what the disk has.
type disk struct {
	dir   string
	db    *durable.DB // nil: the next write writes everything
	spans map[string]span
}

// span says which chunks of a subject the file has.
type span struct{ from, to uint32 }

// plan is what to write.
type plan struct {
	records []record
	spans   map[string]span
	cursor  cursor
}

// record is one value to write; a nil body removes it.
type record struct {
	key  string
	body []byte
}

// subject plans to write the chunks that have changed from the mark of a number on. old
// says which the file has; t is nil if the subject is no more.
func (p *plan) subject(name string, t *timeline, from uint64, old span) {
	var now span
	if t != nil && len(t.marks) > 0 {
		now = span{uint32(t.first / chunkSize), uint32((t.end()-1)/chunkSize) + 1}
	}
	for chunk := old.from; chunk < old.to; chunk++ {
		if chunk < now.from || chunk >= now.to {
			p.records = append(p.records, record{chunkKey(name, chunk), nil})
		}
	}
	for chunk := max(now.from, uint32(from/chunkSize)); chunk < now.to; chunk++ {
		begin, end := uint64(chunk)*chunkSize, uint64(chunk+1)*chunkSize
		first := max(begin, t.first)
		marks := t.marks[first-t.first : min(end, t.end())-t.first]
		p.records = append(p.records, record{chunkKey(name, chunk), encodeChunk(int(first-begin), marks)})
	}
	p.spans[name] = now
}

// write makes the plan true, and notes that the exporter lives.
func (d *disk) write(p *plan, beat int64) (size int64, err error) {
	slices.SortFunc(p.records, func(a, b record) int { return cmp.Compare(a.key, b.key) }) // many times faster
	if d.db == nil {
		err = d.begin(p, beat)
	} else if err = d.db.Update(func(tx *bolt.Tx) error { return put(tx, p, beat) }); err != nil && !durable.DiskFull(err) {
		d.abandon()
	}
	if err != nil {
		return 0, fmt.Errorf("writing %s: %w", d.path(), err)
	}
	for name, s := range p.spans {
		if d.spans[name] = s; s.from == s.to {
			delete(d.spans, name)
		}
	}
	if info, err := d.db.File().Stat(); err == nil {
		size = info.Size()
	}
	return size, nil
}

// put writes the records; the buckets are there.
func put(tx *bolt.Tx, p *plan, beat int64) error {
	marks, meta := tx.Bucket([]byte(bucketMarks)), tx.Bucket([]byte(bucketMeta))
	for _, r := range p.records {
		var err error
		if r.body == nil {
			err = marks.Delete([]byte(r.key))
		} else {
			err = marks.Put([]byte(r.key), durable.Seal(r.key, r.body))
		}
		if err != nil {
			return err
		}
	}
	if p.cursor.known {
		if err := putNumber(meta, metaCursor, p.cursor.seq); err != nil {
			return err
		}
	}
	return putNumber(meta, metaBeat, uint64(beat))
}

func putNumber(meta *bolt.Bucket, name string, n uint64) error {
	return meta.Put([]byte(name), durable.Seal(name, binary.BigEndian.AppendUint64(nil, n)))
}

// begin writes a new file that holds the plan, which is everything, and puts it in the
// place of the old one. If it cannot, the old one stays.
func (d *disk) begin(p *plan, beat int64) (err error) {
	o := durable.Options{Timeout: time.Second, NoFreelist: true}
	d.db, _, err = durable.Rebuild(d.path(), o, 0, func(tx *bolt.Tx) error {
		for _, name := range []string{bucketMeta, bucketMarks} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		if err := tx.Bucket([]byte(bucketMeta)).Put([]byte(metaSchema), durable.Seal(metaSchema, []byte{schema})); err != nil {
			return err
		}
		return put(tx, p, beat)
	})
	d.spans = map[string]span{}
	return err
}

func (d *disk) path() string { return filepath.Join(d.dir, fileDB) }

// abandon gives up the file; the next write begins a new one.
func (d *disk) abandon() {
	_ = d.db.Close()
	d.db = nil
}

func (d *disk) close() error {
	if d.db == nil {
		return nil
	}
	db := d.db
	d.db = nil
	return db.Close()
}
