// Package broker is the server: listeners, connections, the API table, and the order in which everything starts and stops.
//
// A connection is one goroutine that works in turns: it reads what the socket has, handles every complete frame in it in order, and answers
// all of them with one write. Nothing is handed to another goroutine on the way. cmd/sordini makes a Server and runs it; the server owns
// the log directories, the controller, the coordinators and the connections, and its Run returns when all of them have ended.
package broker
