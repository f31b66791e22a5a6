// Stands in for onnxruntime's own C++ header, which no package index has, in tests alone: classes
// with its names and signatures over the functions of the real library. The library hands out one
// table of functions whose order never changes, so each function is known by its place in it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING = 2 };
enum OrtAllocatorType { OrtArenaAllocator = 1 };
enum OrtMemType { OrtMemTypeDefault = 0 };
struct OrtMemoryInfo;

struct OrtApiBase {
  const void* const* (*GetApi)(std::uint32_t version);
  const char* (*GetVersionString)();
};
extern "C" const OrtApiBase* OrtGetApiBase();

namespace Ort {
enum Place {
  kGetErrorMessage = 2, kCreateEnv = 3, kCreateSession = 7, kRun = 9, kCreateSessionOptions = 10,
  kDisableMemPattern = 17, kDisableCpuMemArena = 19, kSetIntraOpNumThreads = 24,
  kCreateTensorWithData = 49, kGetTensorMutableData = 51, kGetElementCount = 64,
  kGetTypeAndShape = 65, kCreateCpuMemoryInfo = 69
};

template <typename Result, typename... Given>
Result call(Place place, Given... given) {
  const void* found = OrtGetApiBase()->GetApi(13)[place];
  return reinterpret_cast<Result (*)(Given...)>(const_cast<void*>(found))(given...);
}

template <typename... Given>
void check(Place place, Given... given) {
  if (void* status = call<void*>(place, given...))
    throw std::runtime_error(call<const char*>(kGetErrorMessage, static_cast<const void*>(status)));
}

struct Held {
  void* it = nullptr;
};

struct Env : Held {
  Env(OrtLoggingLevel level, const char* name) { check(kCreateEnv, static_cast<int>(level), name, &it); }
};

struct SessionOptions : Held {
  SessionOptions() { check(kCreateSessionOptions, &it); }
  SessionOptions& SetIntraOpNumThreads(int count) { return check(kSetIntraOpNumThreads, it, count), *this; }
  SessionOptions& DisableCpuMemArena() { return check(kDisableCpuMemArena, it), *this; }
  SessionOptions& DisableMemPattern() { return check(kDisableMemPattern, it), *this; }
};

struct RunOptions : Held {
  explicit RunOptions(std::nullptr_t) {}
};

struct MemoryInfo : Held {
  static MemoryInfo CreateCpu(OrtAllocatorType kind, OrtMemType type) {
    MemoryInfo made;
    check(kCreateCpuMemoryInfo, static_cast<int>(kind), static_cast<int>(type), &made.it);
    return made;
  }
  operator const OrtMemoryInfo*() const { return static_cast<const OrtMemoryInfo*>(it); }
};

struct TensorTypeAndShapeInfo : Held {
  std::size_t GetElementCount() const {
    std::size_t count = 0;
    check(kGetElementCount, static_cast<const void*>(it), &count);
    return count;
  }
};

template <typename T> constexpr int kTypeOf = 0;
template <> inline constexpr int kTypeOf<float> = 1;
template <> inline constexpr int kTypeOf<std::uint8_t> = 2;

struct Value : Held {
  template <typename T>
  static Value CreateTensor(const OrtMemoryInfo* info, T* data, std::size_t count,
                            const std::int64_t* shape, std::size_t length) {
    Value made;
    check(kCreateTensorWithData, info, static_cast<void*>(data), count * sizeof(T), shape, length,
          kTypeOf<T>, &made.it);
    return made;
  }
  template <typename T>
  T* GetTensorMutableData() {
    void* data = nullptr;
    check(kGetTensorMutableData, it, &data);
    return static_cast<T*>(data);
  }
  TensorTypeAndShapeInfo GetTensorTypeAndShapeInfo() const {
    TensorTypeAndShapeInfo found;
    check(kGetTypeAndShape, static_cast<const void*>(it), &found.it);
    return found;
  }
};

struct Session : Held {
  Session(const Env& env, const char* path, const SessionOptions& options) {
    check(kCreateSession, static_cast<const void*>(env.it), path,
          static_cast<const void*>(options.it), &it);
  }
  std::vector<Value> Run(const RunOptions& options, const char* const* inputs, const Value* given,
                         std::size_t input_count, const char* const* outputs,
                         std::size_t output_count) {
    std::vector<const void*> values;
    for (std::size_t i = 0; i < input_count; ++i) values.push_back(given[i].it);
    std::vector<Value> found(output_count);
    static_assert(sizeof(Value) == sizeof(void*), "values are pointers");
    check(kRun, it, static_cast<const void*>(options.it), inputs, values.data(), input_count,
          outputs, output_count, reinterpret_cast<void**>(found.data()));
    return found;
  }
};
}  // namespace Ort
