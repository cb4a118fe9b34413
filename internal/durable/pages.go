package durable

import (
	"errors"
	"fmt"
	"io"
)

// bbolt reads its file through a memory map and trusts what it finds there. Pages that
// point to each other in a circle it follows for ever, a wild offset is a fault, and in
// the goroutine of its own check no fault can be caught. So every page that can be
// reached is looked at first, by plain reads: after this bbolt stays within the file.

// checked is what is wrong with the pages of a file that bbolt can be let at.
type checked struct {
	beside []string // outside of the tree: it can be read, but must not be written to
	inTree []string // in it: bbolt ends, but perhaps with a panic or with wrong values
}

// maxInTree bounds the faults that are named; what is full of them is damaged all the same.
const maxInTree = 100

// pages walks the tree of one file.
type pages struct {
	checked
	file io.ReaderAt
	head head
	seen map[uint64]bool
	// buckets is how many buckets the walk is within. What is wrong outside of all could
	// have bbolt take anything for a bucket, so it must not be let at that.
	buckets int
}

// checkPages returns an error if bbolt must not read the tree at all.
func checkPages(file io.ReaderAt, size int64) (*checked, error) {
	h, faults, err := readHeads(file)
	if err != nil {
		return nil, err
	}
	if need := int64(h.limit) * h.pageSize; h.limit > 1<<40 || size < need {
		return nil, damagef("it has %d bytes and ought to have %d", size, need)
	}
	p := &pages{file: file, head: h, seen: map[uint64]bool{0: true, 1: true}}
	p.beside = faults
	if err := p.walk(h.root); err != nil {
		return nil, err
	}
	if len(p.inTree) > 0 {
		return &p.checked, nil // which pages are free cannot be told
	}
	if err := p.checkFreelist(); err != nil {
		p.beside = append(p.beside, err.Error())
	}
	return &p.checked, nil
}

// note is for what bbolt can be let at: what is wrong with the records of a bucket.
func (p *pages) note(id uint64, format string, args ...any) error {
	fault := damagef("page %d: %s", id, fmt.Sprintf(format, args...))
	if p.buckets == 0 {
		return fault
	}
	if len(p.inTree) < maxInTree {
		p.inTree = append(p.inTree, fault.Error())
	}
	return nil
}

// page reads one page with its overflow, and marks them as in use. An error is one that
// could lead bbolt astray for ever.
func (p *pages) page(id uint64) ([]byte, error) {
	if id < 2 || id >= p.head.limit {
		return nil, damagef("page %d: out of range", id)
	}
	if p.seen[id] {
		return nil, damagef("page %d: used twice", id)
	}
	p.seen[id] = true
	b := make([]byte, p.head.pageSize)
	at := int64(id) * p.head.pageSize
	if _, err := p.file.ReadAt(b, at); err != nil {
		return nil, damagef("page %d: %v", id, err)
	}
	more := uint64(order.Uint32(b[12:]))
	if order.Uint64(b) != id || id+more >= p.head.limit {
		return b, p.note(id, "%v", errHeader)
	}
	for i := id + 1; i <= id+more; i++ {
		if p.seen[i] {
			return b, p.note(id, "goes on over page %d, which is used twice", i)
		}
		p.seen[i] = true
	}
	if more > 0 {
		b = make([]byte, int64(more+1)*p.head.pageSize)
		if _, err := p.file.ReadAt(b, at); err != nil {
			return nil, damagef("page %d: %v", id, err)
		}
	}
	return b, nil
}

// walk looks at a page and all below it.
func (p *pages) walk(id uint64) error {
	b, err := p.page(id)
	if err != nil {
		return err
	}
	return p.elements(id, b)
}

// elements looks at the elements of a page, which may be one within a value. An error is
// one of page.
func (p *pages) elements(id uint64, b []byte) error {
	flags, count := order.Uint16(b[8:]), uint64(order.Uint16(b[10:]))
	if flags != flagBranch && flags != flagLeaf || flags == flagBranch && count == 0 {
		return p.note(id, "unexpected kind %#x with %d elements", flags, count)
	}
	size := uint64(len(b))
	switch fit := pageHeader+count*elementSize <= size; {
	case !fit && flags == flagBranch:
		return damagef("page %d: %d elements do not fit", id, count)
	case !fit:
		return p.note(id, "%d elements do not fit", count)
	}
	for at := uint64(pageHeader); at < pageHeader+count*elementSize; at += elementSize {
		e := b[at : at+elementSize]
		if flags == flagBranch {
			if at+uint64(order.Uint32(e))+uint64(order.Uint32(e[4:])) > size {
				if err := p.note(id, "a key lies outside"); err != nil {
					return err
				}
			}
			if err := p.walk(order.Uint64(e[8:])); err != nil {
				return err
			}
			continue
		}
		if err := p.record(id, b, at); err != nil {
			return err
		}
	}
	return nil
}

// record looks at one element of a leaf.
func (p *pages) record(id uint64, b []byte, at uint64) error {
	e := b[at : at+elementSize]
	value := at + uint64(order.Uint32(e[4:])) + uint64(order.Uint32(e[8:]))
	end := value + uint64(order.Uint32(e[12:]))
	switch isBucket, fits := order.Uint32(e)&leafBucket != 0, end <= uint64(len(b)); {
	case isBucket && !fits:
		return damagef("page %d: a bucket lies outside", id)
	case isBucket:
		return p.bucket(id, b[value:end])
	case !fits:
		return p.note(id, "a record lies outside")
	}
	return nil
}

// bucket looks at a bucket, given the value that describes it.
func (p *pages) bucket(id uint64, value []byte) error {
	p.buckets++
	defer func() { p.buckets-- }()
	switch {
	case len(value) < bucketSize:
		return damagef("page %d: a bucket is too short", id)
	case order.Uint64(value) != 0:
		return p.walk(order.Uint64(value))
	case len(value) < bucketSize+pageHeader:
		return damagef("page %d: an inline bucket is too short", id)
	}
	return p.elements(id, value[bucketSize:])
}

// checkFreelist wants each page to be either in use or free.
func (p *pages) checkFreelist() error {
	if p.head.freelist == noFreelist {
		return nil
	}
	b, err := p.page(p.head.freelist)
	if err != nil {
		return fmt.Errorf("free pages: %w", err)
	}
	count, at := uint64(order.Uint16(b[10:])), uint64(pageHeader)
	if count == 0xFFFF {
		count, at = order.Uint64(b[at:]), at+8
	}
	if order.Uint16(b[8:]) != flagFreelist || count > (uint64(len(b))-at)/8 {
		return errors.New("free pages: not a list of pages")
	}
	for ; count > 0; count, at = count-1, at+8 {
		id := order.Uint64(b[at:])
		if id < 2 || id >= p.head.limit || p.seen[id] {
			return fmt.Errorf("free pages: page %d is not free", id)
		}
		p.seen[id] = true
	}
	if n := uint64(len(p.seen)); n != p.head.limit {
		return fmt.Errorf("free pages: %d pages are lost", p.head.limit-n)
	}
	return nil
}
