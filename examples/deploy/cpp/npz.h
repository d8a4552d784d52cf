// Reading golden.npz: arrays of float16, float32 and int32 in a zip file that is not compressed.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

struct Array {
  std::vector<float> numbers;
  size_t rows = 1, row = 1;  // of the first axis; numbers in each

  const float *at(size_t index) const { return numbers.data() + index * row; }
};

inline std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline float from_half(uint16_t bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  float size = exponent ? std::ldexp(1024.0f + mantissa, exponent - 25) : std::ldexp(float(mantissa), -24);
  return bits >> 15 ? -size : size;
}

inline Array parse_npy(const std::string &content) {
  auto broken = [] { return std::runtime_error("golden vectors are damaged"); };
  if (content.size() < 12 || content.compare(1, 5, "NUMPY")) throw broken();
  const size_t head = content[6] == 1 ? 10 : 12;
  uint32_t length = 0;
  std::memcpy(&length, &content[8], head - 8);
  const std::string header = content.substr(head, length);
  const size_t descr = header.find("'descr': '"), shape = header.find("'shape': (");
  if (descr == std::string::npos || shape == std::string::npos) throw broken();
  const std::string type = header.substr(descr + 10, 3);
  Array array;
  bool first = true;
  for (const char *at = header.c_str() + shape + 10; *at != ')' && *at; first = false) {
    char *end;
    const size_t size = std::strtoul(at, &end, 10);
    if (end == at) throw broken();
    (first ? array.rows : array.row) *= size;
    at = end;
    while (*at == ',' || *at == ' ') ++at;
  }
  const size_t count = array.rows * array.row, width = type == "<f2" ? 2 : 4;
  const bool known = type == "<f2" || type == "<f4" || type == "<i4";
  if (!known || content.size() < head + length + count * width) throw broken();
  array.numbers.resize(count);
  const char *data = content.data() + head + length;
  for (size_t i = 0; i < count; ++i) {
    uint16_t half;
    int32_t whole;
    if (type == "<f2") {
      std::memcpy(&half, data + 2 * i, 2);
      array.numbers[i] = from_half(half);
    } else if (type == "<i4") {
      std::memcpy(&whole, data + 4 * i, 4);
      array.numbers[i] = float(whole);
    } else {
      std::memcpy(&array.numbers[i], data + 4 * i, 4);
    }
  }
  return array;
}

// By name, without the ending .npy.
inline std::map<std::string, Array> read_npz(const std::string &path) {
  const std::string file = read_file(path);
  auto number = [&](size_t at, int bytes) {
    uint32_t value = 0;
    if (at + bytes > file.size()) throw std::runtime_error(path + " is damaged");
    std::memcpy(&value, &file[at], bytes);
    return size_t(value);
  };
  const size_t end = file.rfind("PK\5\6");
  if (end == std::string::npos) throw std::runtime_error(path + " is no npz file");
  std::map<std::string, Array> found;
  size_t at = number(end + 16, 4);
  for (size_t left = number(end + 10, 2); left > 0; --left) {
    if (number(at + 10, 2) != 0) throw std::runtime_error(path + " is compressed, which golden vectors are not");
    const size_t size = number(at + 20, 4), name = number(at + 28, 2), local = number(at + 42, 4);
    const size_t data = local + 30 + number(local + 26, 2) + number(local + 28, 2);
    if (data + size > file.size() || name < 4) throw std::runtime_error(path + " is damaged");
    found[file.substr(at + 46, name - 4)] = parse_npy(file.substr(data, size));
    at += 46 + name + number(at + 30, 2) + number(at + 32, 2);
  }
  return found;
}
