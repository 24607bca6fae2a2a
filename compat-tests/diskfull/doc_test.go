// Package diskfull fills the disk of a whole broker: its data lies on a small tmpfs, and a real producer writes until nothing
// fits any more. That is a state and not a crash: Produce is refused with an error that producers retry, reads go on, the
// broker lives, and when retention or the deletion of a topic has made room, writing goes on by itself. The same holds for
// a broker that is killed while the disk is full and started on it.
//
// It needs root, to mount; SORDINI_NO_MOUNT=1 does without.
package diskfull
