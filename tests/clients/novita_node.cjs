// Novita's official JavaScript client against a base URL: prints what it got as JSON.
// Not a test: test_official_clients.py installs what this needs, and runs it.
"use strict";
const { NovitaSDK } = require("novita-sdk");

const [baseUrl, photo] = process.argv.slice(2);
const client = new NovitaSDK("key-node");
client.setBaseUrl(baseUrl);
const model = "dreamshaper_8_93211.safetensors";
const request = {
  model_name: model,
  prompt: "a fox",
  negative_prompt: "",
  width: 192,
  height: 128,
  image_num: 1,
  steps: 20,
  seed: -1,
  guidance_scale: 7.5,
  sampler_name: "Euler a",
};

async function wait(taskId) {
  for (;;) {
    const answer = await client.progress({ task_id: taskId });
    if (["TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED"].includes(answer.task.status)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function download(url) {
  const reply = await fetch(url);
  const content = Buffer.from(await reply.arrayBuffer());
  return [reply.status, reply.headers.get("content-type"), content.subarray(1, 8).toString("latin1")];
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return [error.code, error.reason, typeof error.msg];
  }
  return null;
}

async function main() {
  const said = {};
  const models = await client.getModels({ filter: { types: "checkpoint", visibility: "public" }, pagination: { limit: 5 } });
  said.models = models.models.map((each) => each.type.name);
  const rest = { filter: { types: "checkpoint" }, pagination: { limit: 5, cursor: models.pagination.next_cursor } };
  said.next = (await client.getModels(rest)).models[0].sd_name !== models.models[0].sd_name;

  const { task_id: drawn } = await client.txt2Img({ extra: { response_image_type: "png" }, request });
  const txt2img = await wait(drawn);
  said.txt2img = [txt2img.task.task_type, txt2img.images[0].image_type, await download(txt2img.images[0].image_url)];

  const body = { ...request, image_base64: photo, strength: 0.4 };
  const { task_id: changed } = await client.img2Img({ extra: { response_image_type: "png" }, request: body });
  const img2img = await wait(changed);
  said.img2img = [img2img.task.task_type, img2img.images[0].image_type, await download(img2img.images[0].image_url)];
  said.again = (await client.progress({ task_id: changed })).task.status;

  const { task_id: moved } = await client.img2Video({
    model_name: "SVD",
    image_file: photo,
    frames_num: 14,
    frames_per_second: 6,
    image_file_resize_mode: "ORIGINAL_RESOLUTION",
    steps: 20,
  });
  const video = await wait(moved);
  said.img2video = [video.task.task_type, video.videos[0].video_type, await download(video.videos[0].video_url)];

  const { task_id: fast } = await client.hunyuanVideoFast({
    model_name: "hunyuan-video-fast",
    width: 1280,
    height: 720,
    seed: 1,
    steps: 20,
    prompt: "a fox",
    frames: 85,
  });
  said.hunyuan = (await wait(fast)).task.task_type;

  said.refused = await failure(client.img2Img({ request: { ...body, image_num: 9 } }));
  said.unknown = await failure(client.progress({ task_id: "nope" }));
  said.retired = await failure(client.wanT2v({ prompt: "a fox" }));
  console.log(JSON.stringify(said));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
