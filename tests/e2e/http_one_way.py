"""http_one_way.py - sends http_odd.py's HTTP, records what came of it, judges.

`origin FOLDER` serves port 80 and records the bytes of each request that it
gets, and its answers are odd where it is asked for them. `agent FOLDER` sends
and records what it is answered. `judge FOLDER` has what passed read by nginx
(on FOLDER/nginx.sock, logging to FOLDER/nginx-read.log), Node, h11 and curl:
they must agree with each other, and with the gateway's record. The case that
is being tried is named in FOLDER/case.
"""
import base64
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import threading

import h11

import http_odd

PATIENCE = 20  # seconds, for anything at all
FIRST_PORT = 10000  # of the agent: the case's number is added
MOST = 1 << 20  # bytes of an answer
HEARD, SAID = "heard", "said"


def save(folder, name, data):
    path = os.path.join(folder, name)
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.rename(path + ".new", path)


def load(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def text(data):
    return data.decode("latin-1")


def read_to_end(link):
    """All that is said, and whether it ended as it should."""
    heard = b""
    try:
        while len(heard) < MOST and (got := link.recv(65536)):
            heard += got
    except ConnectionError:
        return heard, "reset"
    except TimeoutError:
        return heard, "silence"
    return heard, "end"


# --- the origin ---

def keeps(folder):
    """Whether the case has more than one request on a connection."""
    return b"keep" in load(folder, "case")


class Recorder:
    """One connection: where its requests end says h11, and here it is only
    to know when to answer. What it hears goes to a file a case."""

    def __init__(self, folder, link, number):
        self.folder, self.link, self.number = folder, link, number
        self.case = None  # of the request under way

    def heard(self, data):
        if not self.case:
            self.case = load(self.folder, "case").split()[0].decode()
        with open(os.path.join(self.folder, HEARD,
                               f"{self.case}.{self.number}"), "ab") as file:
            file.write(data)

    def answer(self, method, last):
        self.link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%b\r\n%b"
                          % (b"Connection: close\r\n" if last else b"",
                             b"" if method == b"HEAD" else b"ok"))

    def serve(self, odd):
        reader, answered, method = h11.Connection(
            h11.SERVER, max_incomplete_event_size=1 << 20), 0, b""
        while data := self.link.recv(65536):
            self.heard(data)
            reader.receive_data(data)
            while True:
                event = reader.next_event()
                if isinstance(event, h11.Request):
                    method, target = event.method, event.target
                if event in (h11.NEED_DATA, h11.PAUSED):
                    break
                if isinstance(event, h11.ConnectionClosed):
                    return
                if not isinstance(event, h11.EndOfMessage):
                    continue
                if target.startswith(b"/answer/"):
                    if not self.answer_oddly(odd, int(target[8:])):
                        return
                else:
                    last = answered > 0 or not keeps(self.folder)
                    self.answer(method, last)
                answered += 1
                reader = h11.Connection(
                    h11.SERVER, max_incomplete_event_size=1 << 20)
                self.case = None
                break

    def answer_oddly(self, odd, i):
        self.link.sendall(odd[i].said)
        if not odd[i].keeps:
            self.link.shutdown(socket.SHUT_WR)
            read_to_end(self.link)
        return odd[i].keeps


def origin(folder):
    odd = list(http_odd.responses())
    numbers = itertools.count(1)

    def serve(link):
        with link:
            link.settimeout(PATIENCE)
            recorder = Recorder(folder, link, next(numbers))
            try:
                recorder.serve(odd)
            except h11.RemoteProtocolError as error:
                print("unreadable:", error, flush=True)
                link.sendall(b"HTTP/1.1 400 Unreadable\r\nConnection: close"
                             b"\r\nContent-Length: 0\r\n\r\n")
                recorder.heard(read_to_end(link)[0])
            except OSError as error:
                print("gone:", error, flush=True)

    listener = socket.create_server(("", 80), backlog=1024)
    print("listening", flush=True)
    while True:
        link, _ = listener.accept()
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(link,), daemon=True).start()


# --- the agent ---

def converse(address, port, said):
    with socket.socket() as link:
        link.settimeout(PATIENCE)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        link.bind(("", port))
        link.connect(address)
        try:
            link.sendall(said)
            link.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before all of it was said
        return read_to_end(link)


def agent(folder):
    address = (socket.gethostbyname("listed.test"), 80)
    asked = list(http_odd.requests())
    pairs = {each.said for each in http_odd.pairs()}
    port = FIRST_PORT
    for i, odd in enumerate(asked):
        save(folder, "case", b"%d %b" % (
            i, b"keep" if odd.said in pairs else b"close"))
        got, end = converse(address, port + i, odd.said)
        save(folder, f"{SAID}/{i}", end.encode() + b"\n" + got)
    port += len(asked)
    for i, odd in enumerate(http_odd.responses()):
        save(folder, "case", b"r%d keep" % i)
        got, end = converse(
            address, port + i, b"%b /answer/%d HTTP/1.1\r\n%b\r\n"
            b"GET /after/%d HTTP/1.1\r\n%b\r\n"
            % (odd.method, i, http_odd.HOST, i, http_odd.HOST))
        save(folder, f"{SAID}/r{i}", end.encode() + b"\n" + got)


# --- requests, read ---

def nginx_read(folder, stream):
    log = os.path.join(folder, "nginx-read.log")
    before = os.path.getsize(log)
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(PATIENCE)
        link.connect(os.path.join(folder, "nginx.sock"))
        try:
            link.sendall(stream)
            link.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        read_to_end(link)
    with open(log, encoding="latin-1") as file:
        file.seek(before)
        lines = [json.loads(line) for line in file]
    read = {"requests": [], "fault": None}
    for line in lines:
        status = line.pop("status")
        if status == "200":
            read["requests"].append(line)
        else:
            read["fault"] = status
    return read


def node_read(folder, kind, manner, streams):
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run(
        ["node", os.path.join(here, "http_reader.js"), kind, manner, folder],
        input=json.dumps(streams).encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def h11_read(stream):
    read = {"requests": [], "fault": None}
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    reader.receive_data(stream)
    reader.receive_data(b"")
    one = None
    try:
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Request):
                one = {"method": text(event.method),
                       "target": text(event.target), "body": "",
                       "host": text(dict(event.headers).get(b"host", b""))}
            elif isinstance(event, h11.Data):
                one["body"] += text(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                read["requests"].append(one)
                reader.send(h11.Response(status_code=200, headers=[
                    ("Content-Length", "0")]))
                reader.send(h11.EndOfMessage())
                if reader.our_state is not h11.DONE or \
                        reader.their_state is not h11.DONE:
                    if reader.trailing_data[0]:
                        read["fault"] = "more after the last"
                    return read
                reader.start_next_cycle()
            elif event is h11.NEED_DATA:
                read["fault"] = "cut short"
                return read
            elif isinstance(event, h11.ConnectionClosed):
                return read
    except h11.RemoteProtocolError as error:
        read["fault"] = str(error)
    return read


def recorded(folder, first_port):
    """What the gateway says of each case: its requests, refused and not."""
    record = {}
    with open(os.path.join(folder, "audit.jsonl"), encoding="utf-8",
              errors="surrogateescape") as file:
        for line in map(json.loads, file):
            if line["event"] == "request" or line.get("verdict") == "deny":
                case = line.get("agent_port", 0) - first_port
                record.setdefault(case, []).append(line)
    return record


def is_canonical(stream):
    """One spelling of everything, and nothing that one hop alone minds."""
    head = stream.split(b"\r\n\r\n")[0].lower()
    lines = head.split(b"\r\n")
    fields = [line.split(b": ", 1) for line in lines[1:]]
    names = [field[0] for field in fields]
    framings = [field for field in fields if field[0] in (
        b"content-length", b"transfer-encoding")]
    return not set(b"\r\n") & set(b"".join(lines)) and \
        b"\r\nauthorization:" not in stream.lower() and \
        b"\r\ncookie:" not in stream.lower() and \
        lines[1] in (b"host: listed.test", b"host: listed.test:80") and \
        names.count(b"host") == 1 and len(framings) <= 1 and \
        all(value.isdigit() if name == b"content-length" else
            value == b"chunked" for name, value in framings) and \
        not {b"http2-settings", b"keep-alive", b"alt-svc", b"close"} & \
        set(names) and \
        not any(name.startswith(b"proxy-") for name in names) and \
        all(value == b"websocket" for name, value in fields
            if name == b"upgrade") and \
        all(value in (b"upgrade", b"te") for name, value in fields
            if name == b"connection")


def is_to_taste(request, stream):
    """What a server may refuse, together with all that follows, although
    everybody knows where it ends: a method that it has not, a target that it
    cannot make a path of, a head of more than 16 KiB."""
    return request["method"] in ("get", "Get", "xGET", "FOOBAR", "QUERY") or \
        request["target"] == "*" or "%" in request["target"] or \
        ".." in request["target"] or len(stream) > 16384


class Verdicts:
    def __init__(self):
        self.bad = []

    def must(self, holds, case, said, what):
        if not holds:
            self.bad.append(f"{case}: {said[:300]!r}: {what}")

    def end(self):
        for line in self.bad[:30]:
            print(line, file=sys.stderr)
        if self.bad:
            sys.exit(f"{len(self.bad)} in all")


def judge_requests(folder):
    asked = list(http_odd.requests())
    heard = {}
    for name in os.listdir(os.path.join(folder, HEARD)):
        case, connection = name.split(".")
        if not case.startswith("r"):
            heard.setdefault(int(case), []).append(
                (int(connection), load(folder, f"{HEARD}/{name}")))
    streams = [(case, stream) for case in sorted(heard)
               for _, stream in sorted(heard[case])]
    coded = [base64.b64encode(stream).decode() for _, stream in streams]
    readers = {
        "nginx": [nginx_read(folder, stream) for _, stream in streams],
        "node": node_read(folder, "requests", "strict", coded),
        "lenient": node_read(folder, "requests", "lenient", coded),
        "h11": [h11_read(stream) for _, stream in streams],
    }
    record = recorded(folder, FIRST_PORT)
    verdicts = Verdicts()
    whole = dict.fromkeys(range(len(asked)), 0)
    stricter = 0
    for at, (case, stream) in enumerate(streams):
        said = asked[case].said
        reads = {name: reader[at] for name, reader in readers.items()}
        most = max(reads.values(), key=lambda read: len(read["requests"]))
        whole[case] += len(most["requests"])
        verdicts.must(is_canonical(stream), case, said, stream)
        for name, read in reads.items():
            n = len(read["requests"])
            rest = most["requests"][n:]
            verdicts.must(read["requests"] == most["requests"][:n] and (
                not rest or (read["fault"] and is_to_taste(rest[0], stream))),
                case, said, f"{name} reads {read}, another {most}")
            stricter += len(rest) > 0
        for request in most["requests"]:
            verdicts.must(request["host"] in ("listed.test", "listed.test:80"),
                          case, said, request)
            verdicts.must("smuggled" not in request["body"], case, said,
                          request)
    for case, odd in enumerate(asked):
        judged = [line for line in record.get(case, ())
                  if line["verdict"] != "deny"]
        refused = [line for line in record.get(case, ())
                   if line["verdict"] == "deny"]
        requests = [request for _, stream in sorted(heard.get(case, ()))
                    for request in h11_read(stream)["requests"]]
        told = [(line["method"], line["path"], line["name"])
                for line in judged]
        reads = [(one["method"][:15], one["target"].split("?")[0][:255],
                  one["host"].split(":")[0]) for one in requests]
        verdicts.must(told[:len(reads)] == reads, case, odd.said,
                      f"recorded {told}, the origin reads {reads}")
        answer = load(folder, f"{SAID}/{case}")
        end, _, answer = answer.partition(b"\n")
        verdicts.must(end != b"silence", case, odd.said, "no end")
        passed = answer.startswith(b"HTTP/1.1 200 OK")
        verdicts.must(passed or not answer or re.match(
            rb"HTTP/1\.1 (40[0348]|417|421|431|50[15]) ", answer), case,
            odd.said, answer)
        verdicts.must(passed == (whole[case] > 0), case, odd.said,
                      f"answered {answer[:300]!r}, {whole[case]} arrived")
        if answer and not passed:
            method = b"HEAD" if odd.said.startswith(b"HEAD ") else b"GET"
            told, rest = h11_answer(method, answer)
            verdicts.must(not told["fault"] and not rest and (
                not told["body"] or "reason" in json.loads(told["body"])),
                case, odd.said, answer)
        if odd.want == http_odd.PASS:
            verdicts.must(passed, case, odd.said, f"{answer} {refused}")
        if odd.want == http_odd.REFUSE:
            verdicts.must(not passed, case, odd.said, "passed")
    forwarded = sum(n > 0 for n in whole.values())
    print(f"requests: {forwarded} forwarded, {len(asked) - forwarded} refused;"
          f" {stricter} readings stricter than another")
    return verdicts


# --- responses, read ---

def h11_answer(method, stream):
    """(status, fields, body, fault), and what follows it."""
    reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    reader.send(h11.Request(method=method, target="/",
                            headers=[("Host", "x")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(stream)
    reader.receive_data(b"")
    read = {"status": 0, "fields": [], "body": "", "fault": None}
    try:
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Response):
                read["status"] = event.status_code
                read["fields"] = [[text(name), text(value)]
                                  for name, value in event.headers]
            elif isinstance(event, h11.Data):
                read["body"] += text(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return read, bytes(reader.trailing_data[0])
            elif event is h11.NEED_DATA or \
                    isinstance(event, h11.ConnectionClosed):
                read["fault"] = "cut short"
                return read, b""
    except h11.RemoteProtocolError as error:
        read["fault"] = str(error)
        return read, b""


def replay(folder, streams):
    """Says each stream in turn to who asks at FOLDER/replay.sock."""
    path = os.path.join(folder, "replay.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)

    def serve():
        for stream in streams:
            link, _ = listener.accept()
            with link:
                link.recv(65536)
                link.sendall(stream)
                link.shutdown(socket.SHUT_WR)
                read_to_end(link)

    threading.Thread(target=serve, daemon=True).start()
    return path


def curl_answers(folder, methods, streams):
    path = replay(folder, streams)
    for method in methods:
        head, body = (os.path.join(folder, name) for name in ("h", "b"))
        done = subprocess.run(
            ["curl", "-s", "--http1.1", "--unix-socket", path, "-D", head,
             "-o", body, "--max-time", str(PATIENCE), "-w", "%{http_code}"]
            + ["-I"] * (method == b"HEAD") + ["http://x/"],
            stdout=subprocess.PIPE, check=False)
        heads = load(folder, "h").split(b"\r\n\r\n")
        final = [one for one in heads
                 if one.startswith(b"HTTP/1.1 " + done.stdout)]
        fields = [line.split(b":", 1) for line in
                  (final[0].split(b"\r\n")[1:] if final else [])]
        yield {"status": int(done.stdout),
               "fields": [[text(name).lower(), text(value.strip(b" \t"))]
                          for name, value in fields],
               "body": "" if method == b"HEAD" or not os.path.exists(body)
               else text(load(folder, "b")),
               "fault": done.returncode or None}
        for name in "h", "b":
            if os.path.exists(os.path.join(folder, name)):
                os.remove(os.path.join(folder, name))


# Fields of an answer that concern one hop, or lead the agent round the gateway.
GONE = {"alt-svc", "public-key-pins", "keep-alive", "te", "http2-settings",
        "proxy-authenticate", "proxy-connection", "upgrade", "close"}
INTERIM = re.compile(rb"(HTTP/1\.1 1\d\d [^\r]*\r\n([^\r]+\r\n)*\r\n)*")


def judge_responses(folder):
    odd = list(http_odd.responses())
    verdicts = Verdicts()
    passed = []
    for i, one in enumerate(odd):
        end, _, stream = load(folder, f"{SAID}/r{i}").partition(b"\n")
        verdicts.must(end != b"silence", i, one.said, "no end")
        verdicts.must(b"smuggled" not in stream, i, one.said, stream)
        verdicts.must(b"alt-svc:" not in stream.lower(), i, one.said, stream)
        read, rest = h11_answer(one.method, stream)
        refused = stream[INTERIM.match(stream).end():].startswith(
            b"HTTP/1.1 502 Bad Gateway: upstream_http")
        refused |= end == b"reset" and not rest
        if one.want:
            verdicts.must(refused == (one.want == http_odd.REFUSE), i,
                          one.said, f"{end} {stream}")
        if refused:
            continue
        passed.append((i, stream[:len(stream) - len(rest)], read))
        # The next answer is the next request's, or there is none.
        after, rest = h11_answer(b"GET", rest) if rest else (None, b"")
        verdicts.must(not after or (after["body"] == "ok" and not rest and
                                    not after["fault"]), i, one.said, stream)
        fields = dict(read["fields"])
        verdicts.must(not GONE & set(fields), i, one.said, fields)
        for kept in b"ETag: \"e\"", b"Strict-Transport-Security: max-age=9":
            name, value = text(kept).split(": ")
            verdicts.must(kept not in one.said or
                          fields.get(name.lower()) == value, i, one.said,
                          fields)
        closes = fields.get("connection") == "close"
        verdicts.must(after or closes, i, one.said, stream)
    methods = [odd[i].method for i, _, _ in passed]
    streams = [stream for _, stream, _ in passed]
    coded = [{"method": text(method), "said": base64.b64encode(stream).decode()}
             for method, stream in zip(methods, streams)]
    readers = {
        "node": node_read(folder, "responses", "strict", coded),
        "lenient": node_read(folder, "responses", "lenient", coded),
        "curl": curl_answers(folder, methods, streams),
    }
    for name, reads in readers.items():
        for (i, stream, first), read in zip(passed, reads):
            if name != "curl":
                raw = read.get("fields", [])
                read["fields"] = [[raw[at].lower(), raw[at + 1]]
                                  for at in range(0, len(raw), 2)]
            verdicts.must(read == first and not first["fault"], i,
                          odd[i].said, f"{name} reads {read}, h11 {first}"
                          f" of {stream}")
    print(f"responses: {len(passed)} passed, {len(odd) - len(passed)} refused")
    return verdicts


def main():
    what, folder = sys.argv[1:]
    if what == "origin":
        origin(folder)
    elif what == "agent":
        agent(folder)
    else:
        for verdicts in judge_requests(folder), judge_responses(folder):
            verdicts.end()


if __name__ == "__main__":
    main()
