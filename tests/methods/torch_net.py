"""An ONNX model in PyTorch: a chain of convolutions, batch norms, relus, sums, average pools and linear layers, such as
`assay model export` writes of a ResNet. Parameters are constants: no gradient of theirs is ever computed."""
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F


class Net:
    """Calling it evaluates the graph. `channels_last`: images and filters in that memory format. `forward` and `backward`
    count rows; whoever differentiates counts the latter."""

    def __init__(self, path, channels_last=False):
        graph = onnx.load(path).graph
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.known = {t.name: torch.tensor(onnx.numpy_helper.to_array(t)) for t in graph.initializer}
        self.known = {n: t.contiguous(memory_format=self.format) if t.dim() == 4 else t for n, t in self.known.items()}
        self.forward = self.backward = 0
        self.nodes = [(n.op_type, list(n.input), n.output[0], {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute})
                      for n in graph.node]
        self.source = next(i.name for i in graph.input if i.name not in self.known)
        self.sink = graph.output[0].name

    def __call__(self, x):
        values = dict(self.known)
        self.forward += len(x)
        values[self.source] = x.contiguous(memory_format=self.format)
        for op, names, out, attributes in self.nodes:
            values[out] = self.evaluate(op, [values[n] for n in names], attributes)
        return values[self.sink]

    @staticmethod
    def evaluate(op, inputs, a):
        x = inputs[0] if inputs else None
        if op == "Constant":
            return torch.tensor(onnx.numpy_helper.to_array(a["value"]))
        if op == "Conv":
            top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
            pad = (top, left)
            if pad != (bottom, right):
                x, pad = F.pad(x, (left, right, top, bottom)), 0
            return F.conv2d(x, inputs[1], inputs[2] if len(inputs) > 2 else None, a.get("strides", 1), pad,
                            a.get("dilations", 1), a.get("group", 1))
        if op == "BatchNormalization":
            scale, bias, mean, var = inputs[1:]
            return F.batch_norm(x, mean, var, scale, bias, eps=a.get("epsilon", 1e-5))
        if op in ("Identity", "Dropout"):
            return x
        if op == "Relu":
            return torch.relu(x)
        if op == "Add":
            return x + inputs[1]
        if op == "GlobalAveragePool":
            return x.mean((2, 3), keepdim=True)
        if op in ("Flatten", "Reshape"):
            return x.flatten(1)
        if op == "Gemm" and not a.get("transA", 0):
            weight = inputs[1] if a.get("transB", 0) else inputs[1].T
            return F.linear(x, weight, inputs[2])
        raise SystemExit(f"the peer does not evaluate ONNX operator {op}")
