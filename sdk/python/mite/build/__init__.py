"""From an author's modules to a component: `python -m mite.build journeys.py -o journeys.wasm`."""
