// Package mixed holds old and new clients against each other on one topic: what a version of one generation wrote, every other
// must read, in every codec, with a time of the broker's, through the holes of compaction and past the markers of
// transactions; and an old and a new one share a group. What no client can be made to send is sent in frames of its own.
package mixed
