// Runs models in the onnxruntime-node that NODE_PATH leads to; see run_onnx.py for the protocol.
"use strict";

const fs = require("fs");
const ort = require("onnxruntime-node");

async function answer(one) {
  const bytes = Buffer.from(one.data, "base64");
  const copy = new Uint8Array(bytes).buffer;
  const data = one.dtype === "uint8" ? new Uint8Array(copy) : new Float32Array(copy);
  try {
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 };
    const session = await ort.InferenceSession.create(one.model, options);
    const feed = { [session.inputNames[0]]: new ort.Tensor(one.dtype, data, one.shape) };
    const outputs = await session.run(feed);
    return { logits: Array.from(outputs[session.outputNames[0]].data) };
  } catch (fault) {
    return { error: String(fault.message || fault) };
  }
}

async function main() {
  const release = JSON.parse(
    fs.readFileSync(`${process.env.NODE_PATH}/onnxruntime-node/package.json`, "utf8"),
  ).version;
  const answers = [];
  for (const one of JSON.parse(fs.readFileSync(0, "utf8"))) answers.push(await answer(one));
  process.stdout.write(JSON.stringify({ release, answers }));
}

main();
