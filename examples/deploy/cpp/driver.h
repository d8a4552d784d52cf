// Stands up, lets the policy drive, and lets go when something is wrong; writes what happens into a log.
#pragma once

#include <cstdio>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "network.h"
#include "observer.h"

enum class Mode { kRamp, kPolicy, kDamping };

struct Targets {
  Mode mode;
  Numbers q, kp, kd;  // rad, N m/rad, N m s/rad
};

struct Settings {
  double ramp = 2.0, stale = 0.1;  // s
  Numbers command{0.0, 0.0, 0.0};  // m/s, m/s, rad/s
  std::string log;
};

class Driver {
 public:
  static constexpr double kRangeMargin = 0.1, kTorqueFactor = 1.5, kLeastUpright = 0.5;  // rad, -, cosine of the tilt
  static constexpr double kCommandAge = 1.0, kValueAge = 0.5;  // s, after which a command is zero, a value stale

  Driver(Network &network, const Settings &settings)
      : network_(network), about_(network.description()), settings_(settings), observer(about_) {
    const std::string &type = about_["actions"]["control_type"].text();
    if (type != "P" && type != "actuator_net") throw std::runtime_error("this policy gives no joint targets");
    const double none = 1e9;
    for (const Json &joint : about_["joints"].items()) {
      names_.push_back(joint["name"].text());
      kp_.push_back(joint["stiffness"].number());
      kd_.push_back(joint["damping"].number());
      torque_limit_.push_back(joint["torque_limit"].is_null() ? none : joint["torque_limit"].number());
      const std::vector<Json> &ends = joint["pos_limits"].items();
      low_.push_back(ends[0].is_null() ? -none : ends[0].number());
      high_.push_back(ends[1].is_null() ? none : ends[1].number());
    }
    const Json &actions = about_["actions"];
    clip_ = actions["clip"].number(), scale_ = actions["scale"].number(), dt_ = about_["control_dt"].number();
    if (!actions["target_filter"].is_null())
      kept_ = std::pow(1.0 - actions["target_filter"].number(), about_["decimation"].number());
    offset_.resize(names_.size());
    told_ = settings.command;
    if (!settings.log.empty()) begin_log();
  }

  size_t joints() const { return names_.size(); }

  // A command from outside, at a time of the robot's clock.
  void tell(double time, const Numbers &command) { told_ = command, told_at_ = time; }

  // Let go, for good.
  Targets damp(const std::string &why) {
    if (mode_ != Mode::kDamping) std::printf("damping: %s\n", why.c_str()), std::fflush(stdout);
    mode_ = Mode::kDamping;
    return {mode_, Numbers(joints()), Numbers(joints()), kd_};
  }

  // What to tell the motors; nothing between the steps of the policy.
  std::optional<Targets> step(double time, const Readings &readings) {
    const std::string why = fault(readings, time);
    last_ = time;
    if (!why.empty() || mode_ == Mode::kDamping) return logged_damp(why, time, readings);
    if (time + kRounding < due_) return std::nullopt;
    due_ = due_ + dt_ > time ? due_ + dt_ : time + dt_;
    if (!begin_) begin_ = time, first_ = readings.q;
    if (mode_ == Mode::kRamp && time - *begin_ + kRounding >= settings_.ramp && observer.missing().empty()) {
      mode_ = Mode::kPolicy;
      network_.reset();
      observer.reset();
      std::printf("the policy drives\n"), std::fflush(stdout);
    }
    const Command told = command(time);
    Numbers action, target = observer.default_pos();
    if (mode_ == Mode::kRamp) {
      const double share = std::min((time - *begin_) / std::max(settings_.ramp, dt_), 1.0);
      for (size_t i = 0; i < joints(); ++i) target[i] = first_[i] + (target[i] - first_[i]) * share;
    } else {
      const std::string wrong = think(readings, told, action);
      if (!wrong.empty()) return logged_damp(wrong, time, readings);
      for (size_t i = 0; i < joints(); ++i) {
        offset_[i] = kept_ * offset_[i] + (1.0 - kept_) * scale_ * action[i];
        target[i] += offset_[i];
      }
    }
    for (size_t i = 0; i < joints(); ++i) {  // so that no motor is asked for more than its limit
      const double stiffness = std::max(kp_[i], kRounding), pushed = kd_[i] * readings.dq[i];
      target[i] = std::clamp(target[i], readings.q[i] + (pushed - torque_limit_[i]) / stiffness,
                             readings.q[i] + (pushed + torque_limit_[i]) / stiffness);
    }
    log(time, readings, told, action, target);
    return Targets{mode_, target, kp_, kd_};
  }

  // Observations and the network; what is wrong, in words, or nothing.
  std::string think(const Readings &readings, const Command &told, Numbers &action) {
    for (size_t i = 0; i < observer.groups().size(); ++i)
      if (!observer.observe(i, readings, told, network_.input(observer.groups()[i].name).data()))
        return "an observation is no number";
    network_.run();
    action.assign(network_.output().begin(), network_.output().end());
    for (double &number : action) {
      if (!std::isfinite(number)) return "an action is no number";
      number = std::clamp(number, -clip_, clip_);
    }
    observer.act(action);
    return "";
  }

 private:
  static constexpr double kRounding = 1e-6;

  Targets logged_damp(const std::string &why, double time, const Readings &readings) {
    const Targets targets = damp(why);
    log(time, readings, command(time), {}, targets.q);
    return targets;
  }

  // As told, within what training had; nothing where that was long ago.
  Command command(double time) const {
    static const char *const kNames[] = {"lin_vel_x", "lin_vel_y", "ang_vel_yaw", "height"};
    const bool old = told_at_ && time - *told_at_ > kCommandAge;
    const Json &commands = about_["commands"], &ranges = commands["ranges"];
    Command found{{kNames[0], 0.0}, {kNames[1], 0.0}, {kNames[2], 0.0}};
    if (ranges.has(kNames[3])) {  // the middle, until another is told: the log has its column from the first row on
      const Numbers ends = ranges[kNames[3]].numbers();
      found[kNames[3]] = 0.5 * (ends[0] + ends[1]);
    }
    for (size_t i = 0; !old && i < std::min<size_t>(told_.size(), 4); ++i)
      if (found.count(kNames[i])) found[kNames[i]] = told_[i];
    for (size_t i = 0; i < ranges.keys().size(); ++i) {
      const auto at = found.find(ranges.keys()[i]);
      const Numbers ends = ranges.items()[i].numbers();
      if (at != found.end() && at->second != 0.0) at->second = std::clamp(at->second, ends[0], ends[1]);
    }
    const double shortest = commands.has("min_norm") ? commands["min_norm"].number() : 0.0;
    if (std::hypot(found[kNames[0]], found[kNames[1]]) <= shortest) found[kNames[0]] = found[kNames[1]] = 0.0;
    return found;
  }

  // What is wrong, in words; empty if nothing is.
  std::string fault(const Readings &now, double time) const {
    bool finite = true;
    for (double number : now.quat) finite = finite && std::isfinite(number);
    for (double number : now.gyro) finite = finite && std::isfinite(number);
    for (size_t i = 0; i < joints(); ++i) finite = finite && std::isfinite(now.q[i]) && std::isfinite(now.dq[i]);
    if (!finite) return "a reading is no number";
    if (last_ && time - *last_ > settings_.stale) return "no sensors for " + std::to_string(time - *last_) + " s";
    if (1.0 - 2.0 * (now.quat[0] * now.quat[0] + now.quat[1] * now.quat[1]) < kLeastUpright) return "tilted too far";
    for (size_t i = 0; i < joints(); ++i) {
      if (std::max(low_[i] - now.q[i], now.q[i] - high_[i]) > kRangeMargin) return names_[i] + " is out of its range";
      if (std::abs(now.tau[i]) > kTorqueFactor * torque_limit_[i]) return names_[i] + " has too much torque";
    }
    for (const auto &[name, value] : observer.values)
      if (mode_ == Mode::kPolicy && time - value.time > kValueAge) return name + " is stale";
    return "";
  }

  void begin_log() {
    file_.open(settings_.log);
    if (!file_) throw std::runtime_error("cannot write " + settings_.log);
    auto many = [&](const std::string &name, size_t count) {
      for (size_t i = 0; i < count; ++i) file_ << ',' << name << '[' << i << ']';
    };
    file_ << "time,mode";
    many("quat", 4), many("gyro", 3), many("lin_vel", 3);
    file_ << ",height";
    for (const char *name : {"q", "dq", "tau", "target"}) many(name, joints());
    for (const auto &[name, value] : command(0.0)) file_ << ",command." << name;
    many("action", joints());
    for (const Observer::Group &group : observer.groups())
      for (const Observer::Term &term : group.terms)
        if (!group.is_image) many(group.name + "." + term.name, term.size);
    file_ << '\n';
  }

  // A row of the log; cells of what was not computed are empty.
  void log(double time, const Readings &now, const Command &told, const Numbers &action, const Numbers &target) {
    if (!file_.is_open()) return;
    char cell[32];
    auto put = [&](double number) {
      std::snprintf(cell, sizeof cell, ",%.9g", number);
      file_ << cell;
    };
    std::snprintf(cell, sizeof cell, "%.6f,%d", time, int(mode_));  // some clocks count from 1970 on
    file_ << cell;
    for (double number : now.quat) put(number);
    for (double number : now.gyro) put(number);
    for (double number : now.lin_vel) put(number);
    put(now.height);
    for (const Numbers *row : {&now.q, &now.dq, &now.tau, &target})
      for (double number : *row) put(number);
    for (const auto &[name, value] : told) put(value);
    for (size_t i = 0; i < joints(); ++i) action.empty() ? void(file_ << ',') : put(action[i]);
    for (const Observer::Group &group : observer.groups()) {
      if (group.is_image) continue;
      for (float number : network_.input(group.name)) action.empty() ? void(file_ << ',') : put(number);
    }
    file_ << '\n';
  }

  Network &network_;
  const Json &about_;
  const Settings settings_;
  std::ofstream file_;
  std::vector<std::string> names_;
  Numbers kp_, kd_, torque_limit_, low_, high_, offset_, first_, told_;
  double clip_ = 0.0, scale_ = 0.0, dt_ = 0.0, kept_ = 0.0, due_ = -std::numeric_limits<double>::infinity();
  std::optional<double> begin_, last_, told_at_;
  Mode mode_ = Mode::kRamp;

 public:
  Observer observer;
};
