#!/usr/bin/env bash
# python3 under the two libraries: many small objects, threads, extension modules and libraries loaded and unloaded,
# children by fork and by subprocess.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"
# shellcheck source=outside.sh
. "$testdir/outside.sh"
tap_require /usr/bin/python3

cat >job.py <<'PYTHON'
import ctypes, hashlib, json, os, subprocess, sys, threading, zlib

def tree(depth, width):
    if depth == 0:
        return {"name": "leaf-%d" % width, "values": list(range(width)), "text": "x" * (width * 7)}
    return {"%d-%d" % (depth, i): tree(depth - 1, i + 1) for i in range(width)}

def digest(thing):
    return hashlib.sha256(thing if isinstance(thing, bytes) else thing.encode()).hexdigest()[:16]

# Text and back, and as bytes that are packed and unpacked.
text = json.dumps(tree(4, 6), sort_keys=True)
assert json.dumps(json.loads(text), sort_keys=True) == text
assert zlib.decompress(zlib.compress(text.encode())) == text.encode()
print("json", len(text), digest(text))

# Objects made in one thread and dropped in another.
results, lock = [], threading.Lock()
def work(n):
    made = sorted(str(i * 7919 % 10007) * 3 for i in range(n))
    with lock:
        results.append((n, digest("".join(made)), made))
threads = [threading.Thread(target=work, args=(1000 + 10 * i,)) for i in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("threads", sorted(result[:2] for result in results))
results.clear()

# The C library's own interface, and a module that is loaded, unloaded and loaded again.
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.realloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
for i in range(200):
    at = libc.malloc(10 + i)
    ctypes.memset(at, 65, 10 + i)
    at = libc.realloc(at, 3000)
    assert ctypes.string_at(at, 10 + i) == b"A" * (10 + i)
    libc.free(at)
dlclose = libc.dlclose
dlclose.argtypes = [ctypes.c_void_p]
for i in range(5):
    libz = ctypes.CDLL("libz.so.1")
    libz.zlibVersion.restype = ctypes.c_char_p
    assert libz.zlibVersion()
    dlclose(libz._handle)
import decimal, sqlite3
base = sqlite3.connect(":memory:")
base.execute("create table t (a integer, b text)")
base.executemany("insert into t values (?, ?)", ((i, str(decimal.Decimal(i) / 7)) for i in range(2000)))
print("sqlite", digest(repr(base.execute("select b, count(*) from t group by a % 10 order by b").fetchall())))

# Children, which go on with what the parent made.
sys.stdout.flush()
for i in range(4):
    pid = os.fork()
    if pid == 0:
        ok = digest(json.dumps(json.loads(text), sort_keys=True)) == digest(text)
        os._exit(0 if ok else 1)
    assert os.waitpid(pid, 0)[1] == 0
print(subprocess.run([sys.executable, "-c", "print(sum(len(str(i)) for i in range(20000)))"],
                     capture_output=True, check=True, text=True).stdout.strip())
sys.exit(3)
PYTHON

program=$(readlink -f /usr/bin/python3)
outside "python3" /usr/bin/python3 job.py
outside_managed "$program" 80
export PYTHONMALLOC=malloc # without arenas of its own: each object is malloc's
rm ./*.trace
outside "python3 with malloc" /usr/bin/python3 job.py
outside_managed "$program" 40

tap_done
