package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt reads its file through a memory map and trusts what it finds there. A
// wild offset is a fault, and in the goroutine of tx.Check no fault can be
// caught. So every page that can be reached is looked at first, by plain reads:
// after this bbolt stays within the file.
//
// Numbers are in the byte order of the machine, as bbolt writes them.
var order = binary.NativeEndian

// Sizes, flags and magic numbers of bbolt's file format, version 2.
const (
	pageHeader  = 16 // id 8, flags 2, count 2, overflow 4
	elementSize = 16
	metaSize    = 64
	bucketSize  = 16 // root 8, sequence 8

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10
	leafBucket   = 0x01

	boltMagic   = 0xED0CDAED
	boltVersion = 2
	noFreelist  = 1<<64 - 1
)

// head is one of the two meta pages.
type head struct {
	pageSize              int64
	root, freelist, limit uint64
	txid                  uint64
	valid                 bool
}

// pages walks the tree of one file.
type pages struct {
	file io.ReaderAt
	head head
	seen map[uint64]bool
}

// checkPages returns an error if bbolt must not read the tree. Faults are what
// is wrong outside of it: the tree can be read, but is not to be written to, nor
// given to bbolt's own check.
func checkPages(file io.ReaderAt, size int64) (faults []string, err error) {
	h, faults, err := readHeads(file)
	if err != nil {
		return nil, err
	}
	if need := int64(h.limit) * h.pageSize; h.limit > 1<<40 || size < need {
		return nil, damagef("it has %d bytes and ought to have %d", size, need)
	}
	p := &pages{file: file, head: h, seen: map[uint64]bool{0: true, 1: true}}
	if err := p.walk(h.root); err != nil {
		return nil, err
	}
	if err := p.checkFreelist(); err != nil {
		faults = append(faults, err.Error())
	}
	return faults, nil
}

// readHeads chooses between the two meta pages as bbolt does: the newer one
// whose checksum is right.
func readHeads(file io.ReaderAt) (head, []string, error) {
	first, fault := readHead(file, 0, 0)
	at := first.pageSize
	if !first.valid {
		for at = 1024; at < 1024<<14; at *= 2 {
			if h, _ := readHead(file, at, 1); h.valid && h.pageSize == at {
				break
			}
		}
	}
	second, fault2 := readHead(file, at, 1)
	var faults []string
	for i, err := range []error{fault, fault2} {
		if err != nil {
			faults = append(faults, fmt.Sprintf("meta page %d: %v", i, err))
		}
	}
	switch {
	case !first.valid && !second.valid:
		return head{}, nil, damagef("neither of its meta pages is valid")
	case !first.valid || second.valid && second.txid > first.txid:
		return second, faults, nil
	}
	return first, faults, nil
}

// readHead reads one meta page. A fault in the header of the page does not make
// the meta invalid.
func readHead(file io.ReaderAt, at int64, id uint64) (h head, fault error) {
	var b [pageHeader + metaSize]byte
	if _, err := file.ReadAt(b[:], at); err != nil {
		return head{}, err
	}
	meta := b[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(meta[:56])
	h = head{
		pageSize: int64(order.Uint32(meta[8:])),
		root:     order.Uint64(meta[16:]), freelist: order.Uint64(meta[32:]),
		limit: order.Uint64(meta[40:]), txid: order.Uint64(meta[48:]),
	}
	switch {
	case order.Uint32(meta[0:]) != boltMagic || order.Uint32(meta[4:]) != boltVersion || h.pageSize < 1024:
		return head{}, errors.New("not of a bbolt file")
	case order.Uint64(meta[56:]) != sum.Sum64():
		return head{}, errChecksum
	case order.Uint64(b[:]) != id || order.Uint16(b[8:]) != flagMeta:
		fault = errHeader
	}
	h.valid = true
	return h, fault
}

var errHeader = errors.New("its header is not its own")

// page reads one page with its overflow, and marks them as in use.
func (p *pages) page(id uint64) ([]byte, error) {
	if id < 2 || id >= p.head.limit {
		return nil, damagef("page %d: out of range", id)
	}
	b := make([]byte, p.head.pageSize)
	at := int64(id) * p.head.pageSize
	if _, err := p.file.ReadAt(b, at); err != nil {
		return nil, damagef("page %d: %v", id, err)
	}
	more := uint64(order.Uint32(b[12:]))
	if order.Uint64(b) != id || id+more >= p.head.limit {
		return nil, damagef("page %d: %v", id, errHeader)
	}
	for i := id; i <= id+more; i++ {
		if p.seen[i] {
			return nil, damagef("page %d: used twice", i)
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
	if err := p.elements(b); err != nil {
		return damagef("page %d: %v", id, err)
	}
	return nil
}

// elements looks at the elements of a page, which may be one within a value.
func (p *pages) elements(b []byte) error {
	flags, count := order.Uint16(b[8:]), uint64(order.Uint16(b[10:]))
	if flags != flagBranch && flags != flagLeaf || flags == flagBranch && count == 0 {
		return fmt.Errorf("unexpected kind %#x with %d elements", flags, count)
	}
	size := uint64(len(b))
	if pageHeader+count*elementSize > size {
		return fmt.Errorf("%d elements do not fit", count)
	}
	for at := uint64(pageHeader); at < pageHeader+count*elementSize; at += elementSize {
		e := b[at : at+elementSize]
		if flags == flagBranch {
			if at+uint64(order.Uint32(e))+uint64(order.Uint32(e[4:])) > size {
				return errors.New("a key lies outside")
			}
			if err := p.walk(order.Uint64(e[8:])); err != nil {
				return err
			}
			continue
		}
		value := at + uint64(order.Uint32(e[4:])) + uint64(order.Uint32(e[8:]))
		end := value + uint64(order.Uint32(e[12:]))
		if end > size {
			return errors.New("a record lies outside")
		}
		if order.Uint32(e)&leafBucket != 0 {
			if err := p.bucket(b[value:end]); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucket looks at a bucket, given the value that describes it.
func (p *pages) bucket(value []byte) error {
	switch {
	case len(value) < bucketSize:
		return errors.New("a bucket is too short")
	case order.Uint64(value) != 0:
		return p.walk(order.Uint64(value))
	case len(value) < bucketSize+pageHeader:
		return errors.New("an inline bucket is too short")
	}
	return p.elements(value[bucketSize:])
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
