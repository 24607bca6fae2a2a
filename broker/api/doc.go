// Package api answers Kafka's APIs: one file per API key, named after it, that decodes what is special, asks the owner (replica,
// groupcoord, controller, config), and encodes.
//
// Errors become wire codes here and only here. The connection's goroutine calls a handler and a handler may wait; it then gives up when
// the connection's Stop channel closes. Bytes of a request (record batches, and the strings of hot requests) alias the connection's
// read buffer and are valid until the turn ends; whatever is kept longer is copied.
package api
