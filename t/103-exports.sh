#!/usr/bin/env bash
# What the preloaded libraries show to the program they are loaded into: names that are theirs to give, and no library
# that the program would not have. A name too many takes another library's calls; libunwind's take C++ exceptions.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
tap_require readelf nm
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

exports()
{
	nm -D --defined-only "$1" | awk '{ print $3 }' | LC_ALL=C sort
}

needs()
{
	readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | LC_ALL=C sort
}

entries="aligned_alloc calloc cfree free free_aligned_sized free_sized malloc malloc_usable_size memalign posix_memalign pvalloc realloc reallocarray valloc"
operators="_ZdaPv _ZdaPvRKSt9nothrow_t _ZdaPvSt11align_val_t _ZdaPvSt11align_val_tRKSt9nothrow_t _ZdaPvm
	_ZdaPvmSt11align_val_t _ZdlPv _ZdlPvRKSt9nothrow_t _ZdlPvSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t _ZdlPvm
	_ZdlPvmSt11align_val_t _Znam _ZnamRKSt9nothrow_t _ZnamSt11align_val_t _ZnamSt11align_val_tRKSt9nothrow_t _Znwm
	_ZnwmRKSt9nothrow_t _ZnwmSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t"
foreign="dallocx mi_cfree mi_free mi_free_aligned mi_free_size mi_free_size_aligned mi_malloc_size mi_malloc_usable_size
	mi_realloc mi_usable_size rallocx sallocx sdallocx tc_cfree tc_delete tc_delete_aligned tc_delete_aligned_nothrow
	tc_delete_nothrow tc_delete_sized tc_delete_sized_aligned tc_deletearray tc_deletearray_aligned
	tc_deletearray_aligned_nothrow tc_deletearray_nothrow tc_deletearray_sized tc_deletearray_sized_aligned tc_free
	tc_free_sized tc_malloc_size tc_realloc xallocx"
order="__poll_chk __ppoll_chk poll ppoll pselect select accept accept4 close close_range closefrom dup2 dup3 epoll_create
	epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait prctl
	send sendfile sendfile64 sendmsg sendto write writev"
loop="__poll_chk __ppoll_chk accept accept4 close epoll_ctl epoll_pwait epoll_pwait2 epoll_wait poll ppoll pselect select
	__read_chk __recv_chk __recvfrom_chk connect read readv recv recvfrom recvmmsg recvmsg send sendfile sendfile64 sendmmsg
	sendmsg sendto splice write writev"
rings="__io_uring_get_cqe io_uring_enter io_uring_enter2 io_uring_submit_and_wait io_uring_submit_and_wait_timeout
	io_uring_wait_cqe_timeout io_uring_wait_cqes syscall"

calls="__open_2 __open64_2 __openat_2 __openat64_2 __pread_chk __pread64_chk access fcntl fcntl64 fdatasync flock fstat
	fstat64 fstatat fstatat64 fsync ftruncate ftruncate64 getpeername getsockname getsockopt ioctl lseek lseek64 lstat
	lstat64 mkdir nanosleep open open64 openat openat64 pread pread64 preadv preadv64 pwrite pwrite64 pwritev pwritev64
	readlink rename setsockopt shutdown socket stat stat64 unlink usleep"

# list WORD...: as exports prints them.
list()
{
	printf '%s\n' "$@" | LC_ALL=C sort
}

# shellcheck disable=SC2086 # lists of words
{
	tap_is "libstingy.so exports its names and no more" "$(exports "$production")" \
		"$(list $entries $operators $foreign $order __libc_start_main dlclose StingyDynCheck StingyDynCount StingyDynWhy StingyStageBegin \
			StingyStageNamed StingyStageNumbered StingyStageOf)"
	tap_is "libstingy-profile.so exports its names and no more" "$(exports "$profiling")" \
		"$(list $entries $operators $foreign $loop $rings $calls dlclose pipe2 pthread_getattr_np StingyStageBegin StingyStageEnd \
			StingySystemCalls StingyTaskEnd)"
}

# only_libc LIBRARY: whether it needs nothing but the C library and the loader.
only_libc()
{
	needs "$1"
	! needs "$1" | grep -Evq '^(libc\.so\.6|ld-linux-x86-64\.so\.2)$'
}
tap_ok "libstingy.so needs the C library and the loader only" only_libc "$production"
tap_ok "libstingy-profile.so needs the C library and the loader only: libunwind is opened" only_libc "$profiling"

# hardened LIBRARY: bound at once, no executable stack, no text relocations, no constructor order left to chance.
hardened()
{
	readelf -dW "$1" | grep -q 'BIND_NOW\|Flags:.*NOW' || { echo "not bound at once"; return 1; }
	readelf -lW "$1" | grep -q GNU_RELRO || { echo "no GNU_RELRO segment"; return 1; }
	readelf -lW "$1" | grep 'GNU_STACK' | grep -q 'RWE' && { echo "executable stack"; return 1; }
	readelf -dW "$1" | grep -q TEXTREL && { echo "text relocations"; return 1; }
	return 0
}
tap_ok "libstingy.so is bound at once" hardened "$production"
tap_ok "libstingy-profile.so is bound at once" hardened "$profiling"

# static_tls LIBRARY: thread-local storage as the loader lays it out at start; __tls_get_addr may call malloc.
static_tls()
{
	readelf -dW "$1" | grep -q STATIC_TLS && ! nm -D "$1" | grep -q __tls_get_addr
}
tap_ok "libstingy.so's thread-local storage is static" static_tls "$production"
tap_ok "libstingy-profile.so's thread-local storage is static" static_tls "$profiling"

# what_is_loaded LIBRARY: the libraries in the program's memory, once this one is.
what_is_loaded()
{
	timeout 120 env LD_PRELOAD="$1" STINGY_TRACE="$work/maps" cat /proc/self/maps | awk '$6 ~ /\.so/ { print $6 }' | sort -u
}
without_libunwind()
{
	what_is_loaded "$production"
	what_is_loaded "$production" | grep -q libstingy.so && ! what_is_loaded "$production" | grep unwind
}
tap_ok "under libstingy.so no libunwind is in the program" without_libunwind

tap_done
