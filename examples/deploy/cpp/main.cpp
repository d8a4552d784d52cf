// Runs an exported policy on a robot: packets of sensors come in, joint targets go out.
//
//   runner policy.onnx --port=9000 --command=0.5,0,0 --log=run.csv
//   runner policy.onnx --check       repeat the golden vectors beside the policy
//   runner policy.onnx --benchmark   how long a step takes
//
// docs/deploy.md has the packets, the modes and the limits. runner.py is the same program.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "driver.h"

namespace {

constexpr size_t kHeader = 16, kName = 32;
constexpr double kObservationTolerance = 2e-3;  // golden inputs are rounded to float16

volatile std::sig_atomic_t stopped = 0;

template <typename T>
T read_at(const char *content) {
  T value;
  std::memcpy(&value, content, sizeof value);
  return value;
}

Numbers floats(const char *content, size_t count) {
  Numbers found(count);
  for (size_t i = 0; i < count; ++i) found[i] = read_at<float>(content + 4 * i);
  return found;
}

Readings unpack(const char *content, size_t joints) {
  const Numbers all = floats(content, 11 + 3 * joints);
  Readings now;
  auto at = all.begin();
  auto take = [&](auto to, size_t count) { std::copy(at, at + count, to), at += count; };
  take(now.quat.begin(), 4), take(now.gyro.begin(), 3), take(now.lin_vel.begin(), 3), take(&now.height, 1);
  for (Numbers *row : {&now.q, &now.dq, &now.tau}) row->resize(joints), take(row->begin(), joints);
  return now;
}

std::string packed(uint32_t number, double time, const Targets &targets) {
  std::string packet("TARG");
  auto put = [&](auto value) { packet.append(reinterpret_cast<const char *>(&value), sizeof value); };
  put(number), put(time), put(int32_t(targets.mode));
  for (const Numbers *row : {&targets.q, &targets.kp, &targets.kd})
    for (double value : *row) put(float(value));
  return packet;
}

// Answer packets until one says STOP.
void serve(Driver &driver, const std::string &host, int port, double stale, bool lockstep) {
  const int server = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in own{}, robot{};
  own.sin_family = AF_INET;
  own.sin_port = htons(uint16_t(port));
  if (inet_pton(AF_INET, host.c_str(), &own.sin_addr) != 1) throw std::runtime_error("--host wants an IPv4 address");
  socklen_t length = sizeof own;
  if (server < 0 || bind(server, reinterpret_cast<sockaddr *>(&own), length) != 0)
    throw std::runtime_error("cannot listen on " + host + ", port " + std::to_string(port));
  getsockname(server, reinterpret_cast<sockaddr *>(&own), &length);
  std::printf("listening on port %d\n", ntohs(own.sin_port));
  std::fflush(stdout);

  std::vector<char> content(65536);
  const size_t joints = driver.joints(), whole = kHeader + 4 * (11 + 3 * joints);
  int64_t last = -1;
  auto answer = [&](uint32_t number, double time, const Targets &targets) {
    const std::string packet = packed(number, time, targets);
    sendto(server, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr *>(&robot), sizeof robot);
  };
  using Clock = std::chrono::steady_clock;
  auto heard = Clock::now();  // of sensors; whatever else comes, it is they that must not be silent
  for (;;) {
    const bool counts = !lockstep && last >= 0;
    const double left = stale - std::chrono::duration<double>(Clock::now() - heard).count();
    pollfd ready{server, POLLIN, 0};
    const bool silent = counts && left <= 0.0;
    const int found = silent ? 0 : poll(&ready, 1, counts ? int(std::ceil(1e3 * left)) : -1);
    if (stopped || silent) {
      const std::string why = stopped ? "stopped" : "no sensors for " + std::to_string(stale) + " s";
      if (last >= 0) answer(uint32_t(last), 0.0, driver.damp(why));
      if (stopped) break;
      heard = Clock::now();
    }
    if (found <= 0) continue;
    sockaddr_in sender{};
    length = sizeof sender;
    auto *from = reinterpret_cast<sockaddr *>(&sender);
    const ssize_t count = recvfrom(server, content.data(), content.size(), 0, from, &length);
    if (count < ssize_t(kHeader)) continue;
    const std::string kind(content.data(), 4);
    const auto number = read_at<uint32_t>(&content[4]);
    const auto time = read_at<double>(&content[8]);
    const char *data = content.data() + kHeader;
    if (kind == "STOP") break;
    if (kind == "COMD") {
      driver.tell(time, floats(data, (count - kHeader) / 4));
    } else if (kind == "TERM" && count >= ssize_t(kHeader + kName)) {
      const std::string name(data, strnlen(data, kName));
      driver.observer.values[name] = {time, floats(data + kName, (count - kHeader - kName) / 4)};
    } else if (kind == "SENS" && int64_t(number) > last && size_t(count) == whole) {
      robot = sender, last = number, heard = Clock::now();
      try {
        if (const auto targets = driver.step(time, unpack(data, joints))) answer(number, time, *targets);
      } catch (const std::exception &error) {  // whatever it is, the motors must not be left with their last targets
        answer(number, time, driver.damp(error.what()));
      }
    }
  }
  close(server);
}

struct Golden {
  std::map<std::string, Array> arrays;

  size_t steps() const { return arrays.at("actions").rows; }

  // An input of a step; images are there once.
  const float *at(const std::string &name, size_t step) const {
    const auto frame = arrays.find(name + ".frame");
    return arrays.at(name).at(frame == arrays.end() ? step : size_t(frame->second.numbers[step]));
  }

  Readings readings(size_t step, size_t joints) const {
    Readings now;
    auto copy = [&](const char *name, auto to, size_t count) { std::copy_n(at(name, step), count, to); };
    copy("quat", now.quat.begin(), 4), copy("gyro", now.gyro.begin(), 3), copy("lin_vel", now.lin_vel.begin(), 3);
    copy("height", &now.height, 1);
    now.q.resize(joints), now.dq.resize(joints), now.tau.resize(joints);
    copy("q", now.q.begin(), joints), copy("dq", now.dq.begin(), joints);
    return now;
  }

  Command command(size_t step) const {
    Command found;
    for (const auto &[name, array] : arrays)
      if (name.rfind("command.", 0) == 0) found[name.substr(8)] = *array.at(step);
    return found;
  }
};

void feed(Network &network, const Observer &observer, const Golden &golden, size_t step) {
  for (const Observer::Group &group : observer.groups()) {
    std::vector<float> &input = network.input(group.name);
    std::copy_n(golden.at(group.name, step), input.size(), input.begin());
  }
}

// Largest differences of actions, and of observations made of the readings; exit status 1 if one is too large.
int check(Network &network, const Golden &golden) {
  Observer observer(network.description());
  const std::vector<float> &all = golden.arrays.at("actions").numbers;
  const double clip = network.description()["actions"]["clip"].number();
  double scale = 1.0, off = 0.0, seen = 0.0;
  for (float number : all) scale = std::max(scale, double(std::abs(number)));
  const bool whole = observer.missing().empty();
  for (const Observer::Group &group : observer.groups())
    for (const Observer::Term &term : group.terms) {
      const float *first = golden.at(group.name, 0) + term.start;
      if (term.name == "phase") observer.start_phase = std::atan2(first[0], first[1]);  // which begins anywhere
    }
  for (size_t step = 0; step < golden.steps(); ++step) {
    feed(network, observer, golden, step);
    network.run();
    const float *expected = golden.at("actions", step);
    Numbers action(expected, expected + network.output().size());
    for (size_t i = 0; i < action.size(); ++i) {
      const double difference = std::abs(network.output()[i] - action[i]) / scale;
      off = difference <= off ? off : difference;  // NaN is kept
      action[i] = std::clamp(action[i], -clip, clip);
    }
    for (size_t i = 0; whole && i < observer.groups().size(); ++i) {
      const std::string &name = observer.groups()[i].name;
      std::vector<float> made(network.input(name).size());
      observer.observe(i, golden.readings(step, action.size()), golden.command(step), made.data());
      for (size_t k = 0; k < made.size(); ++k) {
        const double difference = std::abs(made[k] - golden.at(name, step)[k]) / std::max(1.0f, std::abs(made[k]));
        seen = difference <= seen ? seen : difference;
      }
    }
    observer.act(action);
  }
  std::printf(whole ? "actions off by %.2g, observations by %.2g\n" : "actions off by %.2g\n", off, seen);
  return !(off <= network.description()["golden"]["tolerance"].number() && seen <= kObservationTolerance);
}

// Median and 95th percentile of single steps: observations put together where all is known, and the network.
void benchmark(Network &network, const Golden &golden, const Settings &settings) {
  Driver driver(network, settings);
  const bool whole = driver.observer.missing().empty();
  std::vector<double> ms;
  Numbers action;
  for (size_t step = 0; step < 10 * golden.steps(); ++step) {
    const size_t row = step % golden.steps();
    const Readings now = golden.readings(row, driver.joints());
    const Command told = golden.command(row);
    const auto began = std::chrono::steady_clock::now();
    if (whole) {
      driver.think(now, told, action);
    } else {
      feed(network, driver.observer, golden, row);
      network.run();
    }
    ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
  }
  std::sort(ms.begin(), ms.end());
  const double median = ms[ms.size() / 2], high = ms[ms.size() * 95 / 100];
  std::printf("one step  %.4f ms median, %.4f ms 95th percentile of %zu steps\n", median, high, ms.size());
}

int run(int count, char **words) {
  Settings settings;
  std::string path, host = "127.0.0.1";  // all who reach the address steer the robot
  int port = 9000;
  bool lockstep = false, checks = false, times = false;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i], flag = word.substr(0, word.find('='));
    const std::string value = word.substr(std::min(word.size(), flag.size() + 1));
    if (flag == "--port") port = std::atoi(value.c_str());
    else if (flag == "--host") host = value;
    else if (flag == "--ramp") settings.ramp = std::atof(value.c_str());
    else if (flag == "--stale") settings.stale = std::atof(value.c_str());
    else if (flag == "--log") settings.log = value;
    else if (flag == "--command") settings.command = Json::parse("[" + value + "]").numbers();
    else if (flag == "--lockstep") lockstep = true;
    else if (flag == "--check") checks = true;
    else if (flag == "--benchmark") times = true;
    else if (flag[0] != '-' && path.empty()) path = word;
    else throw std::runtime_error("unknown word " + word + "; see the top of main.cpp");
  }
  if (path.empty()) throw std::runtime_error("which policy.onnx?");
  const char *library = std::getenv("ONNXRUNTIME_LIBRARY");
  const onnxruntime::Library opened(library ? library : ONNXRUNTIME_LIBRARY);
  Network network(opened, path);
  if (checks || times) {
    const std::string folder = path.find('/') == std::string::npos ? "" : path.substr(0, path.rfind('/') + 1);
    const Golden golden{read_npz(folder + network.description()["golden"]["file"].text())};
    if (checks) return check(network, golden);
    benchmark(network, golden, settings);
    return 0;
  }
  Driver driver(network, settings);
  struct sigaction action {};
  action.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  serve(driver, host, port, settings.stale, lockstep);
  return 0;
}

}  // namespace

int main(int count, char **words) {
  try {
    return run(count, words);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
}
