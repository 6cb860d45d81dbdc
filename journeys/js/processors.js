// Processors for `mite receiver`: figures to another program, files of its own, and lines.

import { Collector, Sender, Stats, print, processor } from "@mite/sdk/processor";

/** Figures of all messages, for whoever connects to this endpoint: grant it with `--grant-socket`. */
export const StatsProcessor = processor(class {
  stats = new Stats(Sender.bind("tcp://127.0.0.1:14310"));

  processRawMessage(message) {
    this.stats.take(message);
  }
});

/** All messages, in files of the directory `mine`. */
export const CollectorProcessor = processor(class {
  collector = new Collector("mine");

  processRawMessage(message) {
    this.collector.write(message);
  }
});

/** All messages, a line each. */
export const PrintProcessor = processor(class {
  processMessage(message) {
    print(message);
  }
});
