// What `import { ... } from "@mite/sdk"` gives.

export { datapool, journey, scenario, volumeModel } from "./component.js";
export { HttpError, MiteError, check } from "./errors.js";
export { onStart, onStop, setup } from "./hooks.js";
export { choose, ensureAverageSeparation, ensureFixedSeparation, sleep } from "./time.js";
export { constant, nothing, ramp } from "./volume.js";
