"""Prints what a tar archive on standard input has, one entry a line, sorted.

    image_list.py [--no-devices]

Hard links are shown as the group of names that they are, whichever of them is
the file in the archive.
"""

import hashlib
import sys
import tarfile

NO_DEVICES = "--no-devices" in sys.argv[1:]


def main():
    entries, groups = {}, {}
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        for info in tar:
            name = info.name.strip("/").removeprefix("./")
            if info.islnk():
                first = info.linkname.strip("/").removeprefix("./")
                groups.setdefault(first, [first]).append(name)
                continue
            if NO_DEVICES and (info.ischr() or info.isblk()):
                continue
            content = "-"
            if info.isreg():
                data = tar.extractfile(info).read()
                content = hashlib.sha256(data).hexdigest()[:16]
            xattrs = {key: value for key, value in info.pax_headers.items()
                      if "xattr" in key}
            entries[name] = (info.type, oct(info.mode & 0o7777), info.uid, info.gid,
                             info.linkname, content, sorted(xattrs.items()))
    for first, names in groups.items():
        shared = (*entries[first], sorted(names))
        entries.update((name, shared) for name in names)
    for name, entry in sorted(entries.items()):
        print(ascii(name), *map(ascii, entry))


main()
