package history

import (
	"encoding/binary"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

// bbolt follows the pages of its file as they point to each other. Where damage makes
// them point in a circle it would do so for ever, so they are followed before by plain
// reads. What else may be wrong with them ends in a panic, which guard catches, or in
// values whose checksum is wrong.
type pages struct {
	file io.ReaderAt
	size int64 // of a page
	seen map[uint64]bool
}

// Of bbolt's file format: a page begins with its number (8 bytes), flags (2), the count
// of its elements (2) and of the pages it goes on over (4). An element of a branch ends
// with the number of a page (8 of 16 bytes). Numbers are as the machine has them.
const (
	pageHeader  = 16
	elementSize = 16
	flagBranch  = 0x01
	flagLeaf    = 0x02
)

// checkPages looks at the trees of all buckets that are read.
func checkPages(tx *bolt.Tx, file io.ReaderAt) error {
	p := pages{file: file, size: int64(tx.DB().Info().PageSize), seen: map[uint64]bool{}}
	if err := p.walk(uint64(tx.Cursor().Bucket().Root())); err != nil {
		return err
	}
	for _, name := range []string{bucketMeta, bucketMarks} {
		b := tx.Bucket([]byte(name))
		if b == nil {
			return fmt.Errorf("it has no bucket %q", name)
		}
		if b.Root() == 0 {
			continue // it lies within the page above
		}
		if err := p.walk(uint64(b.Root())); err != nil {
			return err
		}
	}
	return nil
}

func (p *pages) walk(id uint64) error {
	if p.seen[id] || id < 2 || id > 1<<40 {
		return fmt.Errorf("page %d: used twice, or out of range", id)
	}
	p.seen[id] = true
	var head [pageHeader]byte
	if _, err := p.file.ReadAt(head[:], int64(id)*p.size); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	order := binary.NativeEndian
	switch flags := order.Uint16(head[8:]); {
	case flags == flagLeaf:
		return nil
	case flags != flagBranch:
		return fmt.Errorf("page %d: unexpected kind %#x", id, flags)
	}
	elements := make([]byte, elementSize*int(order.Uint16(head[10:])))
	if _, err := p.file.ReadAt(elements, int64(id)*p.size+pageHeader); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	for ; len(elements) > 0; elements = elements[elementSize:] {
		if err := p.walk(order.Uint64(elements[8:])); err != nil {
			return err
		}
	}
	return nil
}
