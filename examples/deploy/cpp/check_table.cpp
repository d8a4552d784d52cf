// Compiled where onnxruntime's header is found: the entries that onnxruntime_table.h declares are where it says.
#include <onnxruntime_c_api.h>

#include <cstddef>

#include "onnxruntime_table.h"

#define SAME(name) static_assert(offsetof(OrtApi, name) / sizeof(void *) == onnxruntime::k##name, "moved: " #name)
SAME(GetErrorMessage);
SAME(CreateEnv);
SAME(CreateSessionFromArray);
SAME(Run);
SAME(CreateSessionOptions);
SAME(SetIntraOpNumThreads);
SAME(SetInterOpNumThreads);
SAME(CreateTensorWithDataAsOrtValue);
SAME(CreateCpuMemoryInfo);
SAME(GetAllocatorWithDefaultOptions);
SAME(SessionGetModelMetadata);
SAME(ModelMetadataLookupCustomMetadataMap);
