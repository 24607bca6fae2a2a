// Package badinput sends the broker what no client should: frames, headers and requests that are broken, and requests that are
// whole but ask for nonsense. Each row of its table says what must come of it:
//
//	closed       the connection is closed and nothing else happens
//	unanswered   no answer, and the connection goes on working
//	hung         no answer, and none to anything else on that connection (nothing that is wanted of us)
//	ok           the request is served although it looks odd
//	Where N      error code N at that level of the answer: "top", or the name of the list it stands in ("Partitions 87")
//
// After an answer the same connection must go on working, and after every row a second connection must get a good answer: bad
// input is its sender's problem only.
//
// The rows are what Apache Kafka does, except where Kafka's answer is plainly a defect; such rows name Kafka's answer in a
// column of its own, by release, and the suite runs against those releases too (see the harness: SORDINI_COMPAT_TARGET).
// Rows of requests stand in one file for each group of APIs, rows.go puts them together. memory_test.go is about what a few
// clients may make the broker allocate.
package badinput
