// Reading JSON: what a description of a policy holds.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

class Json {
 public:
  static Json parse(const std::string &text) {
    const char *at = text.c_str();
    Json value = read(at);
    skip(at);
    if (*at) throw std::runtime_error("the description is no JSON");
    return value;
  }

  bool is_null() const { return kind_ == 'n'; }
  bool is_text() const { return kind_ == 's'; }
  bool has(const std::string &key) const { return find(key) != nullptr; }
  const std::string &text() const { return expect('s').text_; }
  double number() const { return expect('#').number_; }
  bool truth() const { return expect('b').number_ != 0.0; }
  const std::vector<Json> &items() const { return items_; }
  const std::vector<std::string> &keys() const { return keys_; }

  const Json &operator[](const std::string &key) const {
    if (const Json *found = find(key)) return *found;
    throw std::runtime_error("the description lacks " + key);
  }

  // A list of numbers, or one number `count` times.
  std::vector<double> numbers(size_t count = 1) const {
    if (kind_ == '#') return std::vector<double>(count, number_);
    std::vector<double> found;
    for (const Json &item : expect('[').items_) found.push_back(item.number());
    return found;
  }

  std::vector<std::string> texts() const {
    std::vector<std::string> found;
    for (const Json &item : expect('[').items_) found.push_back(item.text());
    return found;
  }

 private:
  const Json *find(const std::string &key) const {
    for (size_t i = 0; i < keys_.size(); ++i)
      if (keys_[i] == key) return &items_[i];
    return nullptr;
  }

  const Json &expect(char kind) const {
    if (kind_ != kind) throw std::runtime_error("the description has no " + what(kind) + " where one should be");
    return *this;
  }

  static std::string what(char kind) { return kind == '#' ? "number" : kind == 's' ? "text" : "list or truth"; }

  static void skip(const char *&at) {
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') ++at;
  }

  static bool take(const char *&at, const char *word) {
    skip(at);
    const char *end = at;
    while (*word)
      if (*end++ != *word++) return false;
    at = end;
    return true;
  }

  static Json read(const char *&at) {
    Json value;
    skip(at);
    if (*at == '{' || *at == '[') {
      value.kind_ = *at++;
      const char *close = value.kind_ == '{' ? "}" : "]";
      while (!take(at, close)) {
        if (!value.items_.empty() && !take(at, ",")) throw std::runtime_error("the description is no JSON");
        skip(at);
        if (value.kind_ == '{') value.keys_.push_back(read_text(at)), take(at, ":");
        value.items_.push_back(read(at));
      }
    } else if (*at == '"') {
      value.kind_ = 's';
      value.text_ = read_text(at);
    } else if (take(at, "null")) {
      value.kind_ = 'n';
    } else if (take(at, "true") || take(at, "false")) {
      value.kind_ = 'b';
      value.number_ = at[-2] == 'u';
    } else {
      char *end;
      value.kind_ = '#';
      value.number_ = std::strtod(at, &end);
      if (end == at) throw std::runtime_error("the description is no JSON");
      at = end;
    }
    return value;
  }

  // Names are ASCII; of other characters in words, escaped as \uXXXX, a question mark is left.
  static std::string read_text(const char *&at) {
    std::string found;
    if (*at++ != '"') throw std::runtime_error("the description is no JSON");
    while (*at && *at != '"') {
      if (*at != '\\') {
        found += *at++;
      } else if (*++at == 'u') {
        found += '?';
        for (int i = 0; i < 5 && *at; ++i) ++at;
      } else {
        found += *at == 'n' ? '\n' : *at == 't' ? '\t' : *at;
        ++at;
      }
    }
    if (*at++ != '"') throw std::runtime_error("the description is no JSON");
    return found;
  }

  char kind_ = 'n';  // n null, b truth, # number, s text, [ list, { object
  double number_ = 0.0;
  std::string text_;
  std::vector<std::string> keys_;
  std::vector<Json> items_;
};
