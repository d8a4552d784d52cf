// Observations of a step, from readings, commands and what the policy did before.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "json.h"

using Numbers = std::vector<double>;
using Command = std::map<std::string, double>;

struct Readings {
  std::array<double, 4> quat{0, 0, 0, 1};  // x, y, z, w
  std::array<double, 3> gyro{}, lin_vel{};  // rad/s, m/s, of the base in its own frame
  double height = 0.0;                      // m
  Numbers q, dq, tau;                       // rad, rad/s, N m, in the order of the description
};

struct Value {
  double time;  // s
  Numbers numbers;
};

class Observer {
 public:
  explicit Observer(const Json &description) {
    for (const Json &joint : description["joints"].items()) default_.push_back(joint["default_pos"].number());
    dt_ = description["control_dt"].number();
    action_scale_ = description["actions"]["scale"].number();
    const Json &groups = description["observations"];
    for (size_t i = 0; i < groups.keys().size(); ++i) {
      const Json &group = groups.items()[i];
      groups_.push_back({groups.keys()[i], group["clip"].number(), group["shape"].items().size() > 1, {}});
      for (const Json &entry : group["terms"].items()) groups_.back().terms.push_back(read(entry, description));
    }
    reset();
  }

  struct Term {
    std::string name;
    size_t start, size;
    Numbers scale, clip, middle;  // clip may be empty; middle: what is told when nothing is
    size_t history, hold, offset, length;
    bool newest_first;
    double frequency;
    std::vector<std::string> names;
    std::vector<Numbers> frames;
  };
  struct Group {
    std::string name;
    double clip;
    bool is_image;
    std::vector<Term> terms;
  };

  const std::vector<Group> &groups() const { return groups_; }
  const Numbers &default_pos() const { return default_; }

  std::map<std::string, Value> values;  // of terms from outside
  double start_phase = 0.0;             // rad, of a clock

  // The policy begins.
  void reset() {
    steps_ = 0;
    actions_.assign(1, Numbers(default_.size()));
    for (Group &group : groups_)
      for (Term &term : group.terms) term.frames.clear();
  }

  // What the policy did, within its clip.
  void act(const Numbers &action) {
    actions_.push_back(action);
    if (actions_.size() > 64) actions_.erase(actions_.begin(), actions_.end() - 32);
    ++steps_;
  }

  // The first term that has to come from outside and has not; empty if there is none.
  std::string missing() const {
    static const std::vector<std::string> known{
        "base_lin_vel", "base_ang_vel", "projected_gravity", "base_height",  "commands",
        "dof_pos",      "dof_vel",      "actions",           "dof_pos_history", "height_command",
        "jump_command", "roll_pitch",   "phase",             "jump_counter"};
    for (const Group &group : groups_)
      for (const Term &term : group.terms)
        if (!values.count(term.name) && std::find(known.begin(), known.end(), term.name) == known.end()) {
          return term.name;
        }
    return "";
  }

  // Put a group together; false if a number is none.
  bool observe(size_t index, const Readings &readings, const Command &command, float *out) {
    Group &group = groups_[index];
    bool finite = true;
    for (Term &term : group.terms) {
      Numbers value = compute(term, readings, command);
      if (value.size() * (term.history ? term.history : 1) != term.size)
        throw std::runtime_error("observation " + term.name + " has " + std::to_string(value.size()) + " numbers");
      for (size_t i = 0; i < value.size(); ++i) {
        const double scale = term.scale[i % term.scale.size()];
        if (!term.clip.empty()) value[i] = std::clamp(value[i], term.clip[0], term.clip[1]);
        value[i] = scale == 0.0 ? 0.0 : std::clamp(value[i] * scale, -group.clip, group.clip);
        finite = finite && std::isfinite(value[i]);
      }
      if (!term.history) {
        std::copy(value.begin(), value.end(), out + term.start);
        continue;
      }
      if (term.frames.empty()) {
        term.frames.assign(term.history, value);
      } else if (steps_ % term.hold == term.offset) {
        term.frames.erase(term.frames.begin());
        term.frames.push_back(value);
      }
      float *at = out + term.start;
      for (size_t i = 0; i < term.history; ++i) {
        const Numbers &frame = term.frames[term.newest_first ? term.history - 1 - i : i];
        at = std::copy(frame.begin(), frame.end(), at);
      }
    }
    return finite;
  }

 private:
  static Term read(const Json &entry, const Json &description) {
    auto whole = [&](const char *key) { return entry.has(key) ? size_t(entry[key].number()) : 0; };
    Term term{entry["name"].text(), whole("start"), whole("size"), entry["scale"].numbers(), {}, {},
              whole("history"), whole("hold"), whole("offset"), whole("length"),
              entry.has("newest_first") && entry["newest_first"].truth(),
              entry.has("frequency") ? entry["frequency"].number() : 0.0,
              entry.has("names") ? entry["names"].texts() : std::vector<std::string>(), {}};
    if (!entry["clip"].is_null()) term.clip = entry["clip"].numbers();
    if (term.name == "height_command") {
      const Numbers range = description["commands"]["ranges"]["height"].numbers();
      term.middle = {0.5 * (range[0] + range[1])};
    }
    return term;
  }

  Numbers compute(const Term &term, const Readings &now, const Command &command) const {
    const auto found = values.find(term.name);
    if (found != values.end()) return found->second.numbers;
    const auto &[x, y, z, w] = now.quat;
    const Numbers gravity{2 * (w * y - x * z), -2 * (w * x + y * z), 2 * (x * x + y * y) - 1};
    const std::string &name = term.name;
    if (name == "base_lin_vel") return {now.lin_vel.begin(), now.lin_vel.end()};
    if (name == "base_ang_vel") return {now.gyro.begin(), now.gyro.end()};
    if (name == "projected_gravity") return gravity;
    if (name == "roll_pitch")
      return {std::atan2(-gravity[1], -gravity[2]), std::asin(std::clamp(gravity[0], -1.0, 1.0))};
    if (name == "base_height") return {now.height};
    if (name == "dof_vel") return now.dq;
    if (name == "actions") return actions_.back();
    if (name == "jump_command" || name == "jump_counter") return {0.0};
    Numbers value;
    if (name == "commands") {
      for (const std::string &part : term.names) value.push_back(command.at(part));
    } else if (name == "height_command") {
      value = command.count("height") ? Numbers{command.at("height")} : term.middle;
    } else if (name == "dof_pos") {
      for (size_t i = 0; i < default_.size(); ++i) value.push_back(now.q[i] - default_[i]);
    } else if (name == "phase") {
      const double angle = start_phase + 2.0 * std::acos(-1.0) * term.frequency * double(steps_) * dt_;
      value = {std::sin(angle), std::cos(angle)};
    } else if (name == "dof_pos_history") {
      for (size_t past = 0; past < term.length; ++past)
        for (size_t i = 0; i < default_.size(); ++i)
          value.push_back(past < actions_.size() ? action_scale_ * actions_[actions_.size() - 1 - past][i] : 0.0);
    } else {
      throw std::runtime_error("observation " + name + " is unknown here and did not arrive");
    }
    return value;
  }

  Numbers default_;
  std::vector<Group> groups_;
  std::vector<Numbers> actions_;
  double dt_ = 0.0, action_scale_ = 0.0;
  size_t steps_ = 0;
};
