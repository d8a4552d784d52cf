// The few functions of onnxruntime's C interface that a policy takes, by their place in its table.
//
// Functions are only ever added at the end of the table, so these places are those of every onnxruntime since version 2
// of the interface. Python's package has the library but no header; check_table.cpp compares where there is one.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace onnxruntime {

enum Entry : size_t {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSessionFromArray = 8,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetIntraOpNumThreads = 24,
  kSetInterOpNumThreads = 25,
  kCreateTensorWithDataAsOrtValue = 49,
  kCreateCpuMemoryInfo = 69,
  kGetAllocatorWithDefaultOptions = 78,
  kSessionGetModelMetadata = 111,
  kModelMetadataLookupCustomMetadataMap = 116,
};
constexpr uint32_t kInterface = 2;
constexpr int kError = 3, kFloat = 1, kDeviceAllocator = 0, kDefaultMemory = 0;

// The library, open until the program ends; objects are opaque pointers and live as long.
class Library {
 public:
  explicit Library(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    if (!library) throw std::runtime_error(std::string(dlerror()) + "; set ONNXRUNTIME_LIBRARY");
    struct Base {
      void *const *(*table)(uint32_t);
      const char *(*version)();
    };
    auto base = reinterpret_cast<const Base *(*)()>(dlsym(library, "OrtGetApiBase"));
    if (!base) throw std::runtime_error(std::string(path) + " is no onnxruntime");
    table_ = base()->table(kInterface);
    if (!table_) throw std::runtime_error(std::string(path) + " is too old");
  }

  // Call a function that returns a status, null when all went well.
  template <typename... Arguments>
  void operator()(Entry entry, Arguments... arguments) const {
    void *status = reinterpret_cast<void *(*)(Arguments...)>(table_[entry])(arguments...);
    if (status) throw std::runtime_error(reinterpret_cast<const char *(*)(void *)>(table_[kGetErrorMessage])(status));
  }

 private:
  void *const *table_;
};

}  // namespace onnxruntime
