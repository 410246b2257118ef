export default {
  render({ model, el }) {
    const plot = new Plot(model, el);
    return () => plot.destroy();
  },
};
