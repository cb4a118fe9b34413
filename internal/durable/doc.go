// Package durable writes files that survive: a crash, a loss of power, a full disk, a
// second process, and damage that a disk has done. It is the only place that knows how.
//
// [WriteFile] and [WriteTree] replace files as a whole or not at all. [Lock] keeps other
// processes away. [DB] is a file of bbolt that is guarded: bbolt answers damage with
// panics, faults of its memory map and loops without end, and here each of these is an
// error. [Read] trusts nothing in a file before its pages are checked, [Rebuild] puts a
// new one in the place of one that is lost or damaged, which [KeepDamaged] keeps for
// people to look at. [Seal] adds the checksum that bbolt does not have.
//
// What a file holds, and what to do about a loss, is decided by its owner.
package durable
