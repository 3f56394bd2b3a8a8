//! Simulated carriers and a simulated VASP, over real HTTP.
