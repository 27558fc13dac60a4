/** Multilayer perceptrons as in src/onehalf/nets/mlp.py: weights of shape (fan_in, fan_out),
 * stored row by row. A batch is one array of n rows. */

/** Each activation with its first two derivatives; the value at 0 is that of JAX. */
export const ACTIVATIONS = {
  leaky_relu: {
    value: (a) => (a >= 0 ? a : 0.2 * a),
    slope: (a) => (a >= 0 ? 1 : 0.2),
    bend: null,
  },
  relu: { value: (a) => (a > 0 ? a : 0), slope: (a) => (a > 0 ? 1 : 0), bend: null },
  tanh: {
    value: Math.tanh,
    slope: (a) => 1 - Math.tanh(a) ** 2,
    bend: (a) => -2 * Math.tanh(a) * (1 - Math.tanh(a) ** 2),
  },
};

/** Draw a network: hidden weights from N(0, 2/fan_in) (He et al. 2015), the last ones from
 * N(0, 1/fan_in), biases 0. */
export function createNetwork(random, sizes, activation) {
  const weights = [];
  const biases = [];
  for (let layer = 0; layer + 1 < sizes.length; layer += 1) {
    const [fanIn, fanOut] = sizes.slice(layer, layer + 2);
    const std = Math.sqrt((layer + 2 < sizes.length ? 2 : 1) / fanIn);
    weights.push(random.normals(fanIn * fanOut).map((value) => std * value));
    biases.push(new Float64Array(fanOut));
  }
  return { sizes, activation, weights, biases };
}

/** Multiply n rows by a matrix of shape (fanIn, fanOut), and add a vector to each row. Four
 * inputs at a time, which halves the time. */
function multiply(rows, n, matrix, fanIn, fanOut, vector) {
  const out = new Float64Array(n * fanOut);
  const whole = fanIn - (fanIn % 4);
  for (let row = 0; row < n; row += 1) {
    const to = row * fanOut;
    const from = row * fanIn;
    if (vector) for (let j = 0; j < fanOut; j += 1) out[to + j] = vector[j];
    for (let i = 0; i < whole; i += 4) {
      const p = rows[from + i];
      const q = rows[from + i + 1];
      const r = rows[from + i + 2];
      const s = rows[from + i + 3];
      const at = i * fanOut;
      for (let j = 0; j < fanOut; j += 1) {
        out[to + j] +=
          p * matrix[at + j] +
          q * matrix[at + fanOut + j] +
          r * matrix[at + 2 * fanOut + j] +
          s * matrix[at + 3 * fanOut + j];
      }
    }
    for (let i = whole; i < fanIn; i += 1) {
      const factor = rows[from + i];
      for (let j = 0; j < fanOut; j += 1) out[to + j] += factor * matrix[i * fanOut + j];
    }
  }
  return out;
}

/** Multiply n rows by the transpose of a matrix of shape (fanIn, fanOut). */
function multiplyTransposed(rows, n, matrix, fanIn, fanOut) {
  const transposed = new Float64Array(matrix.length);
  for (let i = 0; i < fanIn; i += 1) {
    for (let j = 0; j < fanOut; j += 1) transposed[j * fanIn + i] = matrix[i * fanOut + j];
  }
  return multiply(rows, n, transposed, fanOut, fanIn, null);
}

/** Add sum over rows of left' right, of shape (fanIn, fanOut), to a gradient: the product of a
 * transposed matrix of n columns with n rows. */
function addOuter(gradient, left, right, n, fanIn, fanOut) {
  const columns = new Float64Array(left.length);
  for (let row = 0; row < n; row += 1) {
    for (let i = 0; i < fanIn; i += 1) columns[i * n + row] = left[row * fanIn + i];
  }
  const product = multiply(columns, fanIn, right, n, fanOut, null);
  for (let at = 0; at < gradient.length; at += 1) gradient[at] += product[at];
}

/** Add the sum over n rows to a vector. */
function addRows(vector, rows, n) {
  const width = vector.length;
  for (let row = 0; row < n; row += 1) {
    for (let j = 0; j < width; j += 1) vector[j] += rows[row * width + j];
  }
}

/** Apply a function to each number. (`map` of typed arrays is several times slower.) */
function apply(f, values) {
  const out = new Float64Array(values.length);
  for (let at = 0; at < values.length; at += 1) out[at] = f(values[at]);
  return out;
}

/** Multiply numbers in place by f of others. */
function scaleBy(values, f, others) {
  for (let at = 0; at < values.length; at += 1) values[at] *= f(others[at]);
}

/** Compute a network on n rows, and keep what `backward` needs. */
export function forward(network, x, n) {
  if (network.map) return { n, output: network.map(x) };
  const { sizes, weights, biases } = network;
  const { value } = ACTIVATIONS[network.activation];
  const last = weights.length - 1;
  const inputs = [x];
  const sums = [];
  for (let layer = 0; layer <= last; layer += 1) {
    const fans = [sizes[layer], sizes[layer + 1]];
    sums.push(multiply(inputs[layer], n, weights[layer], ...fans, biases[layer]));
    if (layer < last) inputs.push(apply(value, sums[layer]));
  }
  return { n, inputs, sums, output: sums[last] };
}

/** Make a gradient of zeros. */
export function zeroGradient(network) {
  return {
    weights: network.weights.map((each) => new Float64Array(each.length)),
    biases: network.biases.map((each) => new Float64Array(each.length)),
  };
}

/** Add the gradient of sum(output * outer) with respect to the parameters, if `gradient` is
 * given; return that with respect to the input. */
export function backward(network, pass, outer, gradient = null) {
  const { sizes, weights } = network;
  const { slope } = ACTIVATIONS[network.activation];
  let flowing = outer;
  for (let layer = weights.length - 1; layer >= 0; layer -= 1) {
    const fans = [sizes[layer], sizes[layer + 1]];
    if (gradient) {
      addOuter(gradient.weights[layer], pass.inputs[layer], flowing, pass.n, ...fans);
      addRows(gradient.biases[layer], flowing, pass.n);
    }
    flowing = multiplyTransposed(flowing, pass.n, weights[layer], ...fans);
    if (layer > 0) scaleBy(flowing, slope, pass.sums[layer - 1]);
  }
  return flowing;
}

/** Compute the tangent of the network's output if the input moves along `direction`. */
function pushTangent(network, pass, direction) {
  const { sizes, weights } = network;
  const { slope } = ACTIVATIONS[network.activation];
  const last = weights.length - 1;
  const tangents = [direction];
  const moved = [];
  for (let layer = 0; layer <= last; layer += 1) {
    const fans = [sizes[layer], sizes[layer + 1]];
    moved.push(multiply(tangents[layer], pass.n, weights[layer], ...fans, null));
    if (layer < last) {
      tangents.push(moved[layer].slice());
      scaleBy(tangents[layer + 1], slope, pass.sums[layer]);
    }
  }
  return { tangents, moved };
}

/** Add the gradient, with respect to the parameters, of sum over rows of <u, grad_x d(x)>, u
 * held fixed. It is the gradient of d's tangent along u: both d and its tangent are
 * differentiated backwards, and meet where the activation bends. */
export function addTangentGradient(network, pass, u, gradient) {
  const { sizes, weights } = network;
  const { slope, bend } = ACTIVATIONS[network.activation];
  const { tangents, moved } = pushTangent(network, pass, u);
  let ofTangent = new Float64Array(pass.n).fill(1);
  let ofValue = null;
  for (let layer = weights.length - 1; layer >= 0; layer -= 1) {
    const fans = [sizes[layer], sizes[layer + 1]];
    addOuter(gradient.weights[layer], tangents[layer], ofTangent, pass.n, ...fans);
    if (ofValue) {
      addOuter(gradient.weights[layer], pass.inputs[layer], ofValue, pass.n, ...fans);
      addRows(gradient.biases[layer], ofValue, pass.n);
    }
    if (layer === 0) return;
    ofTangent = multiplyTransposed(ofTangent, pass.n, weights[layer], ...fans);
    if (ofValue) ofValue = multiplyTransposed(ofValue, pass.n, weights[layer], ...fans);
    if (bend && !ofValue) ofValue = new Float64Array(ofTangent.length);
    const sums = pass.sums[layer - 1];
    for (let index = 0; index < ofTangent.length; index += 1) {
      const a = sums[index];
      if (ofValue) ofValue[index] *= slope(a);
      if (bend) ofValue[index] += ofTangent[index] * moved[layer - 1][index] * bend(a);
      ofTangent[index] *= slope(a);
    }
  }
}
