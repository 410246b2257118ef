/* Hopf network with delays, Euler-Maruyama: the loop one would write first, and a blocked one. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t s[2] = {1, 2};
static inline uint64_t next(void) {
  uint64_t a = s[0], b = s[1], r = a + b;
  s[0] = b;
  a ^= a << 23;
  s[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
  return r;
}
static inline float normal(void) {
  static int have;
  static float kept;
  if (have) { have = 0; return kept; }
  float u1 = ((next() >> 40) + 1) * 0x1p-24f, u2 = (next() >> 40) * 0x1p-24f;
  float r = sqrtf(-2 * logf(u1)), t = 6.2831853f * u2;
  kept = r * sinf(t);
  have = 1;
  return r * cosf(t);
}

/* One read of the ring per edge and step. */
void naive(int n, int steps, int ring, const float *w, const int *d, float *x, float *y,
           float k, float a, float om, float dt, float sigma, float *out, int every) {
  float *h = malloc(sizeof(float) * ring * n), sq = sqrtf(dt);
  float *c = malloc(sizeof(float) * n);
  for (int i = 0; i < ring * n; i++) h[i] = 0.01f;
  for (int t = 0; t < steps; t++) {
    int now = t % ring;
    for (int j = 0; j < n; j++) h[now * n + j] = x[j];
    for (int i = 0; i < n; i++) {
      float sum = 0;
      for (int j = 0; j < n; j++) {
        int p = now - d[i * n + j];
        p += p < 0 ? ring : 0;
        sum += w[i * n + j] * (h[p * n + j] - x[i]);
      }
      c[i] = k * sum;
    }
    for (int i = 0; i < n; i++) {
      float g = a - x[i] * x[i] - y[i] * y[i];
      float dx = g * x[i] - om * y[i] + c[i], dy = g * y[i] + om * x[i];
      x[i] += dt * dx + sigma * sq * normal();
      y[i] += dt * dy;
    }
    if ((t + 1) % every == 0) memcpy(out + (t / every) * n, x, sizeof(float) * n);
  }
  free(h);
  free(c);
}

/* Sums of a whole block at once, from node-major history and an edge list. */
void blocked(int n, int steps, int block, int past, const int *first, const int *src,
             const float *w, const int *d, float *x, float *y, float k, float a, float om,
             float dt, float sigma, float *out, int every) {
  int len = past + 1 + steps + block;
  float *h = malloc(sizeof(float) * (size_t)n * len), sq = sqrtf(dt);
  float *c = malloc(sizeof(float) * n * block);
  for (int j = 0; j < n; j++)
    for (int p = 0; p <= past; p++) h[(size_t)j * len + p] = p < past ? 0.01f : x[j];
  for (int t0 = 0; t0 < steps; t0 += block) {
    for (int i = 0; i < n; i++) {
      float acc[64] = {0};
      for (int e = first[i]; e < first[i + 1]; e++) {
        const float *q = h + (size_t)src[e] * len + past + t0 - d[e];
        for (int b = 0; b < block; b++) acc[b] += w[e] * q[b];
      }
      for (int b = 0; b < block; b++) c[b * n + i] = acc[b];
    }
    for (int b = 0; b < block && t0 + b < steps; b++) {
      int t = t0 + b;
      for (int i = 0; i < n; i++) {
        float deg = w[first[n] + i];
        float g = a - x[i] * x[i] - y[i] * y[i];
        float dx = g * x[i] - om * y[i] + k * (c[b * n + i] - deg * x[i]);
        float dy = g * y[i] + om * x[i];
        x[i] += dt * dx + sigma * sq * normal();
        y[i] += dt * dy;
        h[(size_t)i * len + past + t + 1] = x[i];
      }
      if ((t + 1) % every == 0) memcpy(out + (t / every) * n, x, sizeof(float) * n);
    }
  }
  free(h);
  free(c);
}

/* One Hopf node, explicit trapezoid, every x kept. */
void hopf_heun(int steps, float *state, float a, float om, float dt, float *out) {
  float x = state[0], y = state[1];
  for (int t = 0; t < steps; t++) {
    float g = a - x * x - y * y;
    float dx = g * x - om * y, dy = g * y + om * x;
    float px = x + dt * dx, py = y + dt * dy;
    float h = a - px * px - py * py;
    x += 0.5f * dt * (dx + h * px - om * py);
    y += 0.5f * dt * (dy + h * py + om * px);
    out[t] = x;
  }
  state[0] = x;
  state[1] = y;
}
