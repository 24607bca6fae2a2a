"""The harness's agent protocol for clients in Python (see ../../README.md): one JSON line in, one JSON line out.

serve() hands each request to an agent object; Stream and Member are what every client's stream and member have in common.
Runs on Python 3.6 and newer, for old clients need old Pythons.
"""

import base64
import json
import logging
import os
import queue
import sys
import threading
import time
import traceback

HEARTBEAT_MS = 300


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def to_text(data):
    return None if data is None else base64.b64encode(data).decode()


def headers_of(record):
    """The headers of a record to send, as a client wants them."""
    return [(h["n"], to_bytes(h["v"])) for h in record["h"] or []]


def to_json(partition, offset, timestamp, key, value, headers):
    return {
        "p": partition,
        "o": offset,
        "t": timestamp,
        "k": to_text(key),
        "v": to_text(value),
        "h": [{"n": name, "v": to_text(header)} for name, header in headers],
    }


class Stream:
    """Sends 0, 1, 2, ... with acks=all until it is told to stop, through whatever happens to the broker.

    A client's stream has send(topic, partition, value, done), which returns at once and calls done(None) or done(error)
    later, and finish(), which waits for that.
    """

    def __init__(self, topic, partitions, everyMs):
        self.lock = threading.Lock()
        self.acked = []
        self.failures = []
        self.stopped = False
        self.thread = threading.Thread(target=self.run, args=(topic, partitions, everyMs), daemon=True)
        self.thread.start()

    def run(self, topic, partitions, everyMs):
        n = 0
        while not self.stopped:
            try:
                self.send(topic, n % partitions, str(n).encode(), lambda error, n=n: self.note(n, error))
            except Exception as error:
                self.note(n, error)
            n += 1
            time.sleep(everyMs / 1000)

    def note(self, n, error):
        with self.lock:
            if error is None:
                self.acked.append(n)
            else:
                self.failures.append("{}: {!r}".format(n, error))

    def status(self):
        with self.lock:
            return {"count": len(self.acked)}

    def stop(self):
        self.stopped = True
        self.thread.join()
        self.finish()
        with self.lock:
            return {"count": len(self.acked), "acked": self.acked, "failures": self.failures}


class Member:
    """A group member. The consumer belongs to one thread; the agent hands it work through a queue.

    A client's member has poll(), which returns pairs of a partition and a record in JSON, held(), the partitions,
    commit_positions({partition: next offset}) and close(); all of them run in that thread.
    """

    def __init__(self, limit):
        self.limit = limit  # records to hand over in all; 0: no limit
        self.work = queue.Queue()
        self.left = False
        self.received = []
        self.positions = {}
        self.count = 0
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self):
        while not self.left:
            while not self.work.empty():
                self.work.get()()
            if self.left:
                return
            if self.full():
                self.idle()
                continue
            for record in self.poll():
                self.receive(record)

    def idle(self):
        """What a member does that has enough: by default the client's own thread keeps the membership alive."""
        time.sleep(0.01)

    def full(self):
        return 0 < self.limit <= self.count

    def receive(self, record):
        if self.full():
            return
        self.count += 1
        self.received.append(record)
        self.positions[record["p"]] = record["o"] + 1

    def in_loop(self, do):
        done = queue.Queue()

        def run():
            try:
                done.put((do(), None))
            except Exception as error:
                done.put((None, error))

        self.work.put(run)
        while self.thread.is_alive() or not done.empty():
            try:
                result, error = done.get(timeout=1)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            return result
        raise RuntimeError("the member's thread has ended")

    def assigned(self):
        return self.in_loop(lambda: sorted(self.held()))

    def take(self):
        def swap():
            taken, self.received = self.received, []
            return taken

        return self.in_loop(swap)

    def commit(self):
        def do():
            held = self.held()
            self.commit_positions({p: o for p, o in self.positions.items() if p in held})

        self.in_loop(do)

    def leave(self):
        def do():
            self.left = True
            self.close()

        self.in_loop(do)
        self.thread.join()


class Agent:
    """An agent has the ops as methods, with _ for the dot, and stream(**args), member(**args) and transactions(id), which
    make one, and admin(call, **args). What transactions(id) makes has begin, send, offsets, commit, abort and close."""

    def __init__(self):
        self.streams = {}
        self.members = {}
        self.txns = {}

    def handle(self, op, handle, args):
        if op == "stream.start":
            self.streams[handle] = self.stream(**args)
            return None
        if op == "member.join":
            self.members[handle] = self.member(**args)
            return None
        if op.startswith("admin."):
            return self.admin(op[len("admin.") :], **args)
        if op == "txn.open":
            self.txns[handle] = self.transactions(**args)
            return None
        kind, _, verb = op.partition(".")
        handles = {"stream": self.streams, "member": self.members, "txn": self.txns}.get(kind)
        if handles is not None:
            return getattr(handles[handle], verb)(**args)
        return getattr(self, op.replace(".", "_"))(**args)


def serve(make):
    """Answers requests until the input ends. make(bootstrap) returns the agent."""
    bootstrap = sys.argv[1]
    logging.basicConfig(
        stream=sys.stderr,
        level=os.environ.get("CLIENT_LOG", "warning").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    out, sys.stdout = sys.stdout, sys.stderr  # no library may write between the answers
    agent = make(bootstrap)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": agent.handle(request["op"], request.get("handle"), request.get("args") or {})}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": "{}: {}".format(type(error).__name__, error)}
        out.write(json.dumps(answer) + "\n")
        out.flush()
    os._exit(0)  # what is still running belongs to a test that is over
