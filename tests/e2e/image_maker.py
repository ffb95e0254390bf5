"""Writes images, good and bad, for the tests of `sluice image`.

    image_maker.py FOLDER

Every image is an OCI layout in FOLDER/NAME; some also come as archives,
FOLDER/NAME.tar, and as `docker save` writes them, FOLDER/NAME.docker.tar.
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(
    os.uname().machine, os.uname().machine)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def layer(*entries):
    """A tar; an entry is a path and what differs from an empty file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, *rest in entries:
            info = tarfile.TarInfo(path)
            told = dict(rest[0]) if rest else {}
            data = told.pop("data", b"")
            info.size = len(data)
            info.mtime = 1000000000
            info.mode = 0o644
            if "link" in told:
                info.type, info.linkname = tarfile.SYMTYPE, told.pop("link")
                info.mode = 0o777
            if "hard" in told:
                info.type, info.linkname = tarfile.LNKTYPE, told.pop("hard")
            if path.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            info.pax_headers = {"SCHILY.xattr." + name: value for name, value
                                in told.pop("xattrs", {}).items()}
            for name, value in told.items():
                setattr(info, name, value)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def text(value):
    return json.dumps(value).encode()


PACKERS = {"": bytes, "+gzip": lambda data: gzip.compress(data, mtime=0),
           "+zstd": zstd}


def parts_of(layers, packings=None, **changes):
    """The files of an OCI layout, by name."""
    files = {}

    def blob(data, kind, claim=None):
        digest = claim or sha256(data)
        files["blobs/sha256/" + digest] = data
        return {"mediaType": "application/vnd.oci.image." + kind,
                "digest": "sha256:" + digest, "size": len(data)}

    packings = packings or ["+gzip"] * len(layers)
    packed = [blob(changes.get("pack", PACKERS[how])(data),
                   "layer.v1.tar" + how, changes.get("claim"))
              for data, how in zip(layers, packings)]
    config = {
        "architecture": ARCHITECTURE, "os": "linux",
        "config": {"Env": ["PATH=/bin", "LANG=C.UTF-8"],
                   "Entrypoint": ["/bin/entry", "two words"],
                   "Cmd": ["argument"], "WorkingDir": "/work",
                   "User": "agent"},
        "rootfs": {"type": "layers", "diff_ids": changes.get(
            "diff_ids", ["sha256:" + sha256(data) for data in layers])},
        **changes.get("config", {})}
    manifest = {"schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": blob(text(config), "config.v1+json"),
                "layers": packed, **changes.get("manifest", {})}
    entry = blob(text(manifest), "manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    files["index.json"] = text({"schemaVersion": 2, "manifests": [
        entry, *changes.get("manifests", [])]})
    files["oci-layout"] = text({"imageLayoutVersion": "1.0.0"})
    return files


def write_folder(folder, files):
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)


def write_archive(path, files, links=()):
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)


def docker_files(layers, name):
    """As docker before 25 saves it."""
    config = text({"architecture": ARCHITECTURE, "os": "linux",
                   "config": {"Cmd": ["sh"]},
                   "rootfs": {"type": "layers", "diff_ids": [
                       "sha256:" + sha256(data) for data in layers]}})
    files = {sha256(config) + ".json": config}
    paths = []
    for n, data in enumerate(layers):
        paths.append("layer%d/layer.tar" % n)
        files[paths[-1]] = data
    files["manifest.json"] = text([{
        "Config": sha256(config) + ".json", "RepoTags": [name + ":latest"],
        "Layers": paths}])
    return files


GOOD = [
    layer(
        ("./", {"mode": 0o751, "uid": 7, "gid": 8}),
        ("bin/",), ("bin/entry", {"mode": 0o755, "data": b"#!/bin/sh\n"}),
        ("bin/su", {"mode": 0o4755, "data": b"su", "uid": 0,
                    "xattrs": {"security.capability":
                               "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00"
                               "\x00\x00\x00\x00\x00\x00\x00\x00\x00"}}),
        ("usr/lib/",), ("usr/lib/old", {"data": b"old"}),
        ("lib", {"link": "usr/lib"}),
        ("srv/", {"uid": 3000000000, "gid": 70000, "mode": 0o1777}),
        ("srv/first", {"data": b"shared"}),
        ("srv/second", {"hard": "srv/first"}),
        ("gone/",), ("gone/a", {"data": b"a"}), ("gone/b/c", {"data": b"c"}),
        ("opaque/",), ("opaque/old", {"data": b"old"}),
        ("swap/",), ("swap/in", {"data": b"in"}),
        ("dev/",), ("dev/null", {"type": tarfile.CHRTYPE, "devmajor": 1,
                                 "devminor": 3, "mode": 0o666}),
        ("pipe", {"type": tarfile.FIFOTYPE, "mode": 0o600}),
        ("odd/new\nline", {"data": b"n"}), ("odd/\udcff\udcfe", {"data": b"8"}),
        ("odd/\u00fc", {"data": b"u"}), ("odd/[a]*?", {"data": b"g"}),
        ("odd/link", {"link": "\u00fc"}), ("odd/hard", {"hard": "odd/\u00fc"}),
        ("odd/\udced\udca0\udc80\udced\udcb0\udc80", {"data": b"c"}),
        ("odd/" + "n" * 255, {"data": b"l"}),
        ("big", {"data": b"0123456789abcdef" * 20000}),
    ),
    layer(
        (".wh.gone",),
        ("opaque/",), ("opaque/new", {"data": b"new"}),
        ("opaque/.wh..wh..opq",),
        ("lib/new", {"data": b"through the link"}),
        ("swap", {"link": "/etc"}),
        ("link/out", {"link": "../../../../etc/shadow"}),
        ("bin/entry", {"mode": 0o755, "data": b"#!/bin/new\n", "uid": 1000}),
    ),
    layer(
        ("gone/again", {"data": b"again"}),
        ("swap/",), ("swap/back", {"data": b"back"}),
        ("usr/lib/.wh.old",),
        ("srv/third", {"hard": "/srv/first"}),
    ),
]

# Of bad ones: their layers, and what else is wrong with them.
FILE = layer(("a", {"data": b"a"}))
BAD = {
    "upward": ([layer(("../escape", {"data": b"x"}))], {}),
    "inside_upward": ([layer(("a/../../escape", {"data": b"x"}))], {}),
    "linked_upward": ([FILE, layer(("b", {"hard": "../../etc/passwd"}))], {}),
    "link_to_nothing": ([layer(("b", {"hard": "a"}))], {}),
    "loop": ([layer(("a", {"link": "b"}), ("b", {"link": "a"}),
                    ("a/c", {"data": b"x"}))], {}),
    "below_a_file": ([FILE, layer(("a/b", {"data": b"x"}))], {}),
    "whiteout_of_all": ([layer((".wh...",))], {}),
    "terminal": ([layer(("a\x1b[31m\n\"", {"hard": "b"}))], {}),
    "owner": ([layer(("a", {"uid": 2 ** 32 - 1}))], {}),
    "wrong_blob": ([FILE], {"claim": "0" * 64}),
    "wrong_content": ([FILE], {"diff_ids": ["sha256:" + "1" * 64]}),
    "cut_short": ([FILE], {"pack": lambda data: gzip.compress(data)[:-20]}),
    "cut_later": ([layer(("first" * 30, {"data": b"x" * 5000}),
                         ("second",), ("third",))],
                  {"pack": lambda data: data[:data.index(b"second") + 9]}),
    "terminals_machine": ([FILE], {"config": {"architecture": "a\x1b[31m"}}),
    "no_tar": ([b"this is not a tar archive" * 100], {}),
    "empty_layer": ([b""], {"pack": bytes}),
    "another_count": ([FILE], {"diff_ids": []}),
    "another_machine": ([FILE], {"config": {"architecture": "s390x"}}),
    "digest_as_path": ([FILE], {"manifest": {"layers": [
        {"digest": "sha256:../../../../../../etc/passwd"}]}}),
    "too_many_layers": ([FILE], {"manifest": {"layers": [
        {"digest": "sha256:" + "0" * 64}] * 257}}),
    "layers_are_no_list": ([FILE], {"manifest": {"layers": {}}}),
}


def huge_file():
    """A header alone, of a file that would fill every disk."""
    info = tarfile.TarInfo("huge")
    info.size = 2 ** 40
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


BAD["bomb"] = ([huge_file()], {})


def main():
    top = sys.argv[1]
    write_folder(top + "/good", parts_of(GOOD, ["", "+gzip", "+zstd"]))
    write_archive(top + "/good.tar", parts_of(GOOD, ["", "+gzip", "+zstd"]))
    # Members of a gzip file, one after the other, are one.
    two = parts_of(GOOD, pack=lambda data: gzip.compress(data[:700]) +
                   gzip.compress(data[700:]))
    write_folder(top + "/members", two)
    docker = docker_files(GOOD, "example.org/good")
    docker["layer2/layer.tar"] = docker.pop("layer1/layer.tar")
    docker["layer3/layer.tar"] = layer_3 = GOOD[2]
    manifest = json.loads(docker["manifest.json"])
    manifest[0]["Layers"] = ["layer0/layer.tar", "layer1/layer.tar",
                             "layer3/layer.tar"]
    docker["manifest.json"] = text(manifest)
    assert layer_3
    write_archive(top + "/good.docker.tar", docker,
                  [("layer1/layer.tar", "../layer2/layer.tar")])
    write_folder(top + "/two", parts_of([FILE], manifests=[{
        "digest": "sha256:" + "0" * 64, "annotations": {
            "org.opencontainers.image.ref.name": "other"}}]))
    for name, (layers, changes) in BAD.items():
        write_folder(top + "/" + name, parts_of(layers, **changes))
    archive = parts_of([FILE])
    write_archive(top + "/twice.tar", archive)
    with tarfile.open(top + "/twice.tar", "a") as tar:
        info = tarfile.TarInfo("./index.json")
        tar.addfile(info)


main()
