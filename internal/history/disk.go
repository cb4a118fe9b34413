package history

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The files in the storage directory.
const (
	fileDB      = "history.db"
	fileNew     = "history.db.new"
	fileCorrupt = "history.db.corrupt-"
)

// keptCorrupt is how many damaged files are kept.
const keptCorrupt = 3

// disk is the file that is written. It is begun anew with each start of the exporter,
// so that no list of free pages of an old file is ever relied on, and after each
// failure but a full disk, for after an error of fsync nobody knows what the disk has.
type disk struct {
	dir   string
	db    *bolt.DB // nil: the next write writes everything
	file  *os.File // bbolt's own
	spans map[string]span
}

// span says which chunks of a subject the file has.
type span struct{ from, to uint32 }

// plan is what to write.
type plan struct {
	records []record
	spans   map[string]span
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
	} else if err = guard(func() error {
		return d.db.Update(func(tx *bolt.Tx) error { return put(tx, p, beat) })
	}); err != nil && !diskFull(err) {
		d.abandon(err)
	}
	if err != nil {
		return 0, fmt.Errorf("writing %s: %w", filepath.Join(d.dir, fileDB), err)
	}
	for name, s := range p.spans {
		if d.spans[name] = s; s.from == s.to {
			delete(d.spans, name)
		}
	}
	if info, err := d.file.Stat(); err == nil {
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
			err = marks.Put([]byte(r.key), seal(r.key, r.body))
		}
		if err != nil {
			return err
		}
	}
	return meta.Put([]byte(metaBeat), seal(metaBeat, binary.BigEndian.AppendUint64(nil, uint64(beat))))
}

// begin writes a new file that holds the plan, which is everything, and puts it in the
// place of the old one. If it cannot, the old one stays.
func (d *disk) begin(p *plan, beat int64) error {
	path := filepath.Join(d.dir, fileNew)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := guard(func() (err error) {
		d.db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: time.Second, NoStatistics: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType, OpenFile: remember(&d.file),
		})
		if err != nil {
			return err
		}
		return d.db.Update(func(tx *bolt.Tx) error {
			for _, name := range []string{bucketMeta, bucketMarks} {
				if _, err := tx.CreateBucket([]byte(name)); err != nil {
					return err
				}
			}
			if err := tx.Bucket([]byte(bucketMeta)).Put([]byte(metaSchema), seal(metaSchema, []byte{schema})); err != nil {
				return err
			}
			return put(tx, p, beat)
		})
	})
	if err == nil {
		if err = os.Rename(path, filepath.Join(d.dir, fileDB)); err == nil {
			err = syncDir(d.dir)
		}
	}
	if err != nil {
		d.abandon(err)
		_ = os.Remove(path)
		return err
	}
	d.spans = map[string]span{}
	return nil
}

// abandon gives up the handle.
func (d *disk) abandon(why error) {
	if _, panicked := errors.AsType[*panicError](why); !panicked && d.db != nil {
		_ = guard(d.db.Close)
	}
	if d.file != nil {
		_ = d.file.Close() // after a panic bbolt may hold locks that Close waits for
	}
	d.db, d.file = nil, nil
}

// replaced tells whether history.db is no longer the file we write to.
func (d *disk) replaced() bool {
	ours, err := d.file.Stat()
	if err != nil {
		return false // the write will tell
	}
	there, err := os.Stat(filepath.Join(d.dir, fileDB))
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(ours, there)
}

func (d *disk) close() error {
	if d.db == nil {
		return nil
	}
	db := d.db
	d.db, d.file = nil, nil
	return guard(db.Close)
}

// moveAside keeps a damaged file under another name, and drops the oldest of many.
func (d *disk) moveAside(now time.Time) (string, error) {
	to := filepath.Join(d.dir, fileCorrupt+now.UTC().Format("20060102T150405.000000000Z"))
	if err := os.Rename(filepath.Join(d.dir, fileDB), to); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(d.dir) // sorted, so the oldest come first
	kept := slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), fileCorrupt) })
	for len(kept) > keptCorrupt && err == nil {
		err = os.Remove(filepath.Join(d.dir, kept[0].Name()))
		kept = kept[1:]
	}
	return to, err
}

// diskFull tells whether a write was refused for want of space before anything was
// touched that counts: then the handle is as good as before. An error of fsync is none
// of these, whatever its number.
func diskFull(err error) bool {
	if strings.HasPrefix(err.Error(), "file resize error: ") { // bbolt hides what it was
		return true
	}
	at, ok := errors.AsType[*fs.PathError](err)
	return ok && at.Op == "write" &&
		(errors.Is(at.Err, syscall.ENOSPC) || errors.Is(at.Err, syscall.EDQUOT) || errors.Is(at.Err, syscall.EFBIG))
}

// syncDir makes renames durable, where the system can do that.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // some network file systems
	}
	return errors.Join(err, d.Close())
}
