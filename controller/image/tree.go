package image

import "iter"

// tree is an immutable AVL tree. put and remove return a new tree that shares all nodes off the changed path,
// so a version costs a few nodes, old versions stay valid for their readers, and every walk is in key order.
type tree[K, V any] struct {
	root *node[K, V]
	size int
}

type node[K, V any] struct {
	key         K
	value       V
	height      int8
	left, right *node[K, V]
}

func (t tree[K, V]) get(cmp func(a, b K) int, key K) (v V, ok bool) {
	for n := t.root; n != nil; {
		c := cmp(key, n.key)
		if c == 0 {
			return n.value, true
		}
		if c < 0 {
			n = n.left
			continue
		}
		n = n.right
	}
	return v, false
}

func (t tree[K, V]) put(cmp func(a, b K) int, key K, value V) tree[K, V] {
	root, added := t.root.put(cmp, key, value)
	if added {
		t.size++
	}
	t.root = root
	return t
}

func (t tree[K, V]) remove(cmp func(a, b K) int, key K) tree[K, V] {
	root, removed := t.root.remove(cmp, key)
	if removed {
		t.size--
		t.root = root
	}
	return t
}

// all walks in key order.
func (t tree[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.root.walk(yield) }
}

func (n *node[K, V]) walk(yield func(K, V) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.key, n.value) && n.right.walk(yield)
}

func (n *node[K, V]) put(cmp func(a, b K) int, key K, value V) (_ *node[K, V], added bool) {
	if n == nil {
		return &node[K, V]{key: key, value: value, height: 1}, true
	}
	c := *n
	switch d := cmp(key, n.key); {
	case d == 0:
		c.value = value
		return &c, false
	case d < 0:
		c.left, added = n.left.put(cmp, key, value)
	default:
		c.right, added = n.right.put(cmp, key, value)
	}
	return c.balanced(), added
}

func (n *node[K, V]) remove(cmp func(a, b K) int, key K) (_ *node[K, V], removed bool) {
	if n == nil {
		return nil, false
	}
	c := *n
	switch d := cmp(key, n.key); {
	case d < 0:
		c.left, removed = n.left.remove(cmp, key)
	case d > 0:
		c.right, removed = n.right.remove(cmp, key)
	case n.left == nil:
		return n.right, true
	case n.right == nil:
		return n.left, true
	default: // the next key takes the place
		next := n.right
		for next.left != nil {
			next = next.left
		}
		c.key, c.value, removed = next.key, next.value, true
		c.right, _ = n.right.remove(cmp, next.key)
	}
	if !removed {
		return n, false
	}
	return c.balanced(), true
}

func (n *node[K, V]) h() int8 {
	if n == nil {
		return 0
	}
	return n.height
}

// balanced restores the AVL property of a node that the caller has just made; its children are right.
func (n *node[K, V]) balanced() *node[K, V] {
	switch d := n.left.h() - n.right.h(); {
	case d > 1:
		l := *n.left
		if l.left.h() < l.right.h() {
			l = *l.rotateLeft()
		}
		n.left = &l
		return n.rotateRight()
	case d < -1:
		r := *n.right
		if r.right.h() < r.left.h() {
			r = *r.rotateRight()
		}
		n.right = &r
		return n.rotateLeft()
	}
	n.height = 1 + max(n.left.h(), n.right.h())
	return n
}

func (n *node[K, V]) rotateRight() *node[K, V] {
	top, rest := *n.left, *n
	rest.left = top.right
	rest.height = 1 + max(rest.left.h(), rest.right.h())
	top.right = &rest
	top.height = 1 + max(top.left.h(), rest.height)
	return &top
}

func (n *node[K, V]) rotateLeft() *node[K, V] {
	top, rest := *n.right, *n
	rest.right = top.left
	rest.height = 1 + max(rest.left.h(), rest.right.h())
	top.left = &rest
	top.height = 1 + max(rest.height, top.right.h())
	return &top
}
