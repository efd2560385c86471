// The system calls by which our files change the disk, as a table. It holds the calls themselves; tests put in their place
// a disk that is full, or one that forgets at a power cut what was not synced (tests/unit/store/faulty_disk.hpp).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

namespace assay {

struct DiskCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*write)(int fd, const void* data, size_t size);
  ssize_t (*writev)(int fd, const iovec* parts, int count);
  int (*truncate)(int fd, off_t size);
  int (*sync)(int fd);
  int (*rename)(const char* from, const char* to);
  int (*unlink)(const char* file);
  int (*mkdir)(const char* folder, mode_t mode);
};

// The table of this process. To be changed only while nothing writes.
DiskCalls& disk_calls();

}  // namespace assay
