// Command powerfs is a file system for tests that forgets what was not synced when its power is cut.
//
// It lives in memory and is mounted by FUSE. Programs see every write at once; a second copy is the medium, and a write gets
// there by fsync or fdatasync of its file, a name by fsync of its directory, everything by syncfs. The command "crash" drops
// a part of the rest, seeded, and shows what is left, as after a loss of power. The caller has killed its programs before.
//
// There are two kinds of medium. The strict one promises what POSIX does: an fsync of a file says nothing of its name,
// unsynced writes and names are lost or kept each for itself (changes of one name in order; a rename whole; nothing after a
// lost truncation of the same file), and writes tear at pages. The one with a journal behaves as ext4 with data=ordered does:
// names are lost from the end on, an fsync that has to note a new name or size commits all names before it, and of a
// file's unsynced writes a beginning stays.
//
//	powerfs serve MOUNTPOINT SOCKET   commands on stdin, one answer each on stdout; unmounts at the end of stdin
//	powerfs launch SOCKET PROGRAM...  runs a program in such a way that powerfs learns of its syncfs calls; see syncfs.go
//
//	halt N          the power goes at the Nth changing operation from now on: it and all later ones fail with EIO
//	halted          yes or no
//	journal | strict   which kind of medium
//	unmount | mount
//	crash SEED PERCENT   between unmount and mount; answers with what was lost
//
// It must always hold that what a sync was answered for is there after a crash, bit by bit.
package main
