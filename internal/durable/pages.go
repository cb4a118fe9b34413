package durable

import (
	"fmt"
	"io"
)

// bbolt reads its file through a memory map and trusts what it finds there. Pages that
// point to each other in a circle it follows for ever, and a wild offset is a fault. It
// has a check of its own, but that runs in a goroutine where no fault can be caught, and
// so does its search for free pages, which panics over keys out of order while that
// goroutine reads on. So every page that can be reached is looked at first, by plain
// reads, for all that bbolt's own check looks for too: after this bbolt stays within the
// file, and may write to it.

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
	if err := p.walk(h.root, between{}); err != nil {
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
	if n := len(p.inTree); n < maxInTree && (n == 0 || p.inTree[n-1] != fault.Error()) { // once for a page
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
func (p *pages) walk(id uint64, keys between) error {
	b, err := p.page(id)
	if err != nil {
		return err
	}
	return p.elements(id, b, keys)
}

// elements looks at the elements of a page, which may be one within a value. An error is
// one of page.
func (p *pages) elements(id uint64, b []byte, keys between) error {
	flags, count := order.Uint16(b[8:]), uint64(order.Uint16(b[10:]))
	if flags != flagBranch && flags != flagLeaf || flags == flagBranch && count == 0 {
		return p.note(id, "unexpected kind %#x with %d elements", flags, count)
	}
	switch fit := pageHeader+count*elementSize <= uint64(len(b)); {
	case !fit && flags == flagBranch:
		return damagef("page %d: %d elements do not fit", id, count)
	case !fit:
		return p.note(id, "%d elements do not fit", count)
	case flags == flagLeaf:
		return p.leaf(id, b, count, keys)
	}
	return p.branch(id, b, count, keys)
}

// leaf looks at the records of a page.
func (p *pages) leaf(id uint64, b []byte, count uint64, keys between) error {
	for i := range count {
		at := pageHeader + i*elementSize
		e := b[at : at+elementSize]
		start := at + uint64(order.Uint32(e[4:]))
		value := start + uint64(order.Uint32(e[8:]))
		end := value + uint64(order.Uint32(e[12:]))
		isBucket := order.Uint32(e)&leafBucket != 0
		var err error
		switch fits := end <= uint64(len(b)); {
		case !fits && isBucket:
			return damagef("page %d: a bucket lies outside", id)
		case !fits:
			err = p.note(id, "a record lies outside")
		case !keys.next(b[start:value]):
			err = p.note(id, "its keys are out of order")
		}
		if err == nil && isBucket {
			err = p.bucket(id, b[value:end])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// branch looks at the pages that a page points to.
func (p *pages) branch(id uint64, b []byte, count uint64, keys between) error {
	key := func(i uint64) []byte { // nil if it lies outside
		at := pageHeader + i*elementSize
		start := at + uint64(order.Uint32(b[at:]))
		end := start + uint64(order.Uint32(b[at+4:]))
		if end > uint64(len(b)) {
			return nil
		}
		return b[start:end]
	}
	for i := range count {
		first, last := key(i), keys.before
		var err error
		switch {
		case first == nil:
			err = p.note(id, "a key lies outside")
		case !keys.next(first):
			err = p.note(id, "its keys are out of order")
		}
		if i+1 < count {
			last = key(i + 1)
		}
		if err == nil {
			err = p.walk(order.Uint64(b[pageHeader+i*elementSize+8:]), between{from: first, before: last})
		}
		if err != nil {
			return err
		}
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
		return p.walk(order.Uint64(value), between{})
	case len(value) < bucketSize+pageHeader:
		return damagef("page %d: an inline bucket is too short", id)
	}
	return p.elements(id, value[bucketSize:], between{})
}
