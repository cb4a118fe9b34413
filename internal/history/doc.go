// Package history keeps, for a year, in which state each subject was and when.
//
// A subject is whatever has a state: a target, by its app, or a check, by "check:"
// and its name. Its history is a sequence of intervals, so that a share of time is
// exact however often it was probed. Where nothing is known, because the subject was
// not known yet, the exporter did not run, or the time has not come, there is no data,
// which is a state of its own and counts neither for nor against anybody.
//
// All of it is in memory, 8 bytes for an interval. What is on disk, one bbolt file, is
// a copy that is brought up to date every few seconds; it is read at start and never
// again. Reading and noting never wait for the disk. A beat tells how long the exporter
// lived; what follows until the next start is not data. A history is not worth refusing
// to start for: a file that is damaged is kept under another name, and what is sound in it goes on.
//
// The storage directory holds
//
//	history.db                 the data; every value is sealed with a CRC-32C
//	history.db.corrupt-<time>  what was found damaged, kept for people to look at
package history
