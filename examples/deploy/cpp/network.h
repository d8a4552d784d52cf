// The network of a policy, with its memory and its description.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "json.h"
#include "npz.h"
#include "onnxruntime_table.h"

class Network {
 public:
  Network(const onnxruntime::Library &library, const std::string &path) : library_(library), content_(read_file(path)) {
    using namespace onnxruntime;
    void *environment, *options, *metadata, *allocator, *memory;
    char *text = nullptr;
    library_(kCreateEnv, kError, "runner", &environment);
    library_(kCreateSessionOptions, &options);
    library_(kSetIntraOpNumThreads, options, 1);
    library_(kSetInterOpNumThreads, options, 1);
    library_(kCreateSessionFromArray, environment, content_.data(), content_.size(), options, &session_);
    library_(kSessionGetModelMetadata, session_, &metadata);
    library_(kGetAllocatorWithDefaultOptions, &allocator);
    library_(kModelMetadataLookupCustomMetadataMap, metadata, allocator, "metadata", &text);
    if (!text) throw std::runtime_error(path + " has no description: it was not written by export.py");
    description_ = Json::parse(text);
    library_(kCreateCpuMemoryInfo, kDeviceAllocator, kDefaultMemory, &memory);
    inputs_ = make(description_["inputs"], memory);
    outputs_ = make(description_["outputs"], memory);
    for (const Json &entry : description_["memory"].items())
      carried_.emplace_back(&find(inputs_, entry["input"].text()), &find(outputs_, entry["output"].text()));
    for (const Tensor &tensor : inputs_) {
      input_names_.push_back(tensor.name.c_str());
      input_values_.push_back(tensor.value);
    }
    for (const Tensor &tensor : outputs_) {
      output_names_.push_back(tensor.name.c_str());
      output_values_.push_back(tensor.value);
    }
  }
  Network(const Network &) = delete;

  const Json &description() const { return description_; }
  std::vector<float> &input(const std::string &name) { return find(inputs_, name).numbers; }
  const std::vector<float> &output() const { return outputs_.front().numbers; }

  // An episode begins.
  void reset() {
    for (auto &[input, output] : carried_) std::fill(input->numbers.begin(), input->numbers.end(), 0.0f);
  }

  // One step, from the inputs to the output.
  void run() {
    library_(onnxruntime::kRun, session_, static_cast<const void *>(nullptr), input_names_.data(), input_values_.data(),
             input_names_.size(), output_names_.data(), output_names_.size(), output_values_.data());
    for (auto &[input, output] : carried_)
      std::copy(output->numbers.begin(), output->numbers.end(), input->numbers.begin());
  }

 private:
  struct Tensor {
    std::string name;
    std::vector<int64_t> shape;
    std::vector<float> numbers;
    void *value = nullptr;
  };

  std::vector<Tensor> make(const Json &entries, const void *memory) {
    std::vector<Tensor> tensors(entries.items().size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      const Json &entry = entries.items()[i];
      Tensor &tensor = tensors[i];
      tensor.name = entry["name"].text();
      size_t count = 1;
      for (const Json &size : entry["shape"].items()) {
        tensor.shape.push_back(size.is_text() ? 1 : int64_t(size.number()));
        count *= size_t(tensor.shape.back());
      }
      tensor.numbers.resize(count);
      library_(onnxruntime::kCreateTensorWithDataAsOrtValue, memory, static_cast<void *>(tensor.numbers.data()),
               count * sizeof(float), static_cast<const int64_t *>(tensor.shape.data()), tensor.shape.size(),
               onnxruntime::kFloat, &tensor.value);
    }
    return tensors;
  }

  static Tensor &find(std::vector<Tensor> &tensors, const std::string &name) {
    for (Tensor &tensor : tensors)
      if (tensor.name == name) return tensor;
    throw std::runtime_error("the network has no " + name);
  }

  const onnxruntime::Library &library_;
  const std::string content_;
  void *session_ = nullptr;
  Json description_;
  std::vector<Tensor> inputs_, outputs_;
  std::vector<std::pair<Tensor *, Tensor *>> carried_;
  std::vector<const char *> input_names_, output_names_;
  std::vector<const void *> input_values_;
  std::vector<void *> output_values_;
};
