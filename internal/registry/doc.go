// Package registry keeps the set of targets: who told us of them, which of them
// count, and what must survive a restart.
//
// A target has one record for each source that names it. Sources never overwrite
// each other: of the records of one app the one whose source comes first in the
// order of precedence is effective, the others wait until it goes.
//
// Records of the source [prober.SourceAPI], operators' pauses and saved states are kept
// on disk in one bbolt file; all other sources are read again after each start.
// A change is acknowledged, and becomes visible, only once it is on the disk.
//
// The storage directory holds
//
//	registry.db                 the data; every value is sealed with a CRC-32C. What
//	                            happened is beside it, see [Journal]
//	registry.db.backup-1 … -3   hot backups, 1 is the newest; without what happened
//	registry.db.schema-<n>      as it was before a program that has another layout used it
//	registry.db.corrupt-<time>  what was found damaged, kept for people to look at
//	initialised                 the mark by which a lost registry.db is noticed
//	lock                        held by the process that uses the directory
package registry
