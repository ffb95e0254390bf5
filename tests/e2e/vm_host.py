"""The host of a virtual machine: its first file system, and its ports.

    vm_host.py initramfs OUT INIT MODULES [FILE:PATH...] -- WORD...
	writes a cpio archive (newc) with INIT as /init, the kernel modules of
	the list in that file, files, and the words as /sluice/arguments.

    vm_host.py agent FOLDER -- QEMU...
	runs the machine with the ports of sluice-init: standard input, output
	and error are the command's, and its status is ours. What is said on
	the control port goes to FOLDER/control; what is written to the fifo
	FOLDER/orders goes there.

    vm_host.py sidecar FOLDER -- QEMU...
	runs the machine with the ports of sluice-gateway: the record goes to
	FOLDER/audit.jsonl, and FOLDER/ready is made when it serves. Nothing of
	the record is read while there is a file FOLDER/deaf.
"""
import os
import selectors
import socket
import stat
import subprocess
import sys
import threading


class Archive:
    def __init__(self):
        self.data, self.number, self.folders = bytearray(), 0, set()

    def entry(self, path, mode, body=b""):
        self.number += 1
        name = path.lstrip("/").encode() + b"\0"
        fields = (self.number, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0,
                  len(name), 0)
        self.data += b"070701" + b"".join(b"%08X" % f for f in fields) + name
        self.data += b"\0" * (-len(self.data) % 4)
        self.data += body
        self.data += b"\0" * (-len(self.data) % 4)

    def folder(self, path):
        if path not in ("", "/") and path not in self.folders:
            self.folder(os.path.dirname(path))
            self.folders.add(path)
            self.entry(path, stat.S_IFDIR | 0o755)

    def file(self, path, body, mode=0o755):
        self.folder(os.path.dirname(path))
        self.entry(path, stat.S_IFREG | mode, body)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def initramfs(out, init, modules, *rest):
    files, words = rest[:rest.index("--")], rest[rest.index("--") + 1:]
    archive = Archive()
    archive.file("/init", contents(init))
    for number, module in enumerate(contents(modules).decode().split()):
        name = os.path.basename(module)
        archive.file(f"/sluice/modules/{number:03}-{name}", contents(module))
    archive.file("/sluice/arguments",
                 b"".join(w.encode() + b"\0" for w in words), 0o600)
    for pair in files:
        source, path = pair.split(":")
        archive.file(path, contents(source))
    archive.entry("TRAILER!!!", 0)
    with open(out, "wb") as file:
        file.write(archive.data)


class Machine:
    def __init__(self, qemu, names):
        args, theirs = list(qemu), []
        args += ["-device", "virtio-serial-pci"]
        self.ports = {}
        for number, name in enumerate(names):
            ours, other = socket.socketpair()
            theirs.append(other)
            self.ports[name] = ours
            args += ["-chardev", f"socket,id=port{number},fd={other.fileno()}",
                     "-device",
                     f"virtserialport,chardev=port{number},name=sluice.{name}"]
        self.process = subprocess.Popen(
            args, stdin=subprocess.DEVNULL,
            pass_fds=[other.fileno() for other in theirs])
        for other in theirs:
            other.close()


def feed(given, control):
    sent = 0
    try:
        while chunk := os.read(0, 65536):
            given.sendall(chunk)
            sent += len(chunk)
        control.sendall(b"eof %d\n" % sent)
    except OSError:
        pass  # the machine is off


def agent(folder, *rest):
    orders = os.open(folder + "/orders", os.O_RDWR)
    machine = Machine(rest[1:], ("control", "in", "out", "err"))
    control, given = machine.ports["control"], machine.ports["in"]
    outs = {machine.ports["out"]: 1, machine.ports["err"]: 2}
    waiting, status, said = selectors.DefaultSelector(), None, b""
    log = open(folder + "/control", "wb", buffering=0)
    for source in (control, orders, *outs):
        waiting.register(source, selectors.EVENT_READ)
    threading.Thread(target=feed, args=(given, control), daemon=True).start()
    while len(waiting.get_map()) > 1:
        for key, _ in waiting.select():
            source = key.fileobj
            if source == orders:
                control.sendall(os.read(orders, 4096))
                continue
            chunk = source.recv(65536)
            if not chunk:
                waiting.unregister(source)
            elif source is control:
                log.write(chunk)
                said += chunk
            else:
                while chunk:
                    chunk = chunk[os.write(outs[source], chunk):]
    machine.process.wait()
    for line in said.decode().splitlines():
        if line.startswith("exit "):
            status = int(line.split()[1])
    sys.stdout.flush()
    os._exit(255 if status is None else status)


def sidecar(folder, *rest):
    machine = Machine(rest[1:], ("audit", "ready"))
    audit, ready = machine.ports["audit"], machine.ports["ready"]
    record = open(folder + "/audit.jsonl", "ab", buffering=0)
    open_ports = {audit, ready}
    while audit in open_ports:
        deaf = os.path.exists(folder + "/deaf")
        waiting = selectors.DefaultSelector()
        for port in open_ports - ({audit} if deaf else set()):
            waiting.register(port, selectors.EVENT_READ)
        for key, _ in waiting.select(0.1):
            chunk = key.fileobj.recv(65536)
            if not chunk:
                open_ports.remove(key.fileobj)
            elif key.fileobj is audit:
                record.write(chunk)
            else:
                assert chunk == b"ready\n", chunk
                open(folder + "/ready", "wb").close()
        waiting.close()
    sys.exit(machine.process.wait())


if __name__ == "__main__":
    {"initramfs": initramfs, "agent": agent,
     "sidecar": sidecar}[sys.argv[1]](*sys.argv[2:])
