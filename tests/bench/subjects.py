"""What is measured: subjects (a zoo model with its input), works with their peers, and the targets of each ratio."""

IMAGE = [3, 32, 32]
# name: zoo model, parameters, input, batch of a training step, batches of inference
SUBJECTS = {
    "mlp": {"model": "mlp", "params": {}, "input": [1, 28, 28], "train": 128, "pgd": 128, "infer": [1, 32, 256]},
    "resnet20": {"model": "resnet20", "params": {}, "input": IMAGE, "train": 128, "pgd": 128, "infer": [1, 32, 256]},
    "resnet18": {"model": "resnet18", "params": {}, "input": IMAGE, "train": 32, "pgd": 32, "infer": [1, 32, 256]},
    "wrn16_4": {"model": "wide-resnet", "params": {"depth": 16, "widen": 4}, "input": IMAGE, "train": 128, "pgd": 32,
                "infer": [1, 32, 256]},
    "mobilenetv2": {"model": "mobilenet-v2", "params": {}, "input": IMAGE, "train": 128, "pgd": 32, "infer": [1, 32, 256]},
    "vit": {"model": "vit", "params": {}, "input": IMAGE, "train": 128, "pgd": 32, "infer": [1, 32, 256]},
}

# (work, subject, peer, batch) -> the ratio peer / assay asked for. `None` as batch: any.
TARGETS = {
    ("train", "resnet20", "torch"): 1.15, ("train", "wrn16_4", "torch"): 1.15, ("train", "resnet18", "torch"): 1.3,
    ("train", "mobilenetv2", "torch"): 2.0, ("train", "vit", "torch"): 1.2,
    ("pgd", "resnet20", "torch-frozen"): 1.5, ("pgd", "resnet20", "torch-naive"): 2.4,
    ("infer-b1", "resnet20", "onnxruntime"): 1.2, ("infer-b32", "resnet20", "onnxruntime"): 1.08,
    ("infer-b256", "resnet20", "onnxruntime"): 1.1, ("auroc", "-", "sklearn"): 4.0,
    ("train-bf16", "resnet20", "torch"): 1.8, ("train-bf16", "resnet18", "torch"): 2.2,
}
# Inference in fewer bits against assay's own f32.
OWN_TARGETS = {"bf16": 1.9, "int8": 2.8}
LOWERED = ("resnet20", "resnet18", "wrn16_4", "mobilenetv2", "vit")
LEAST_INFERENCE = 1.0  # against ONNX Runtime, on any subject and batch


def target(work, subject, peer):
    if peer == "assay-f32":
        return OWN_TARGETS[work.rsplit("-", 1)[1]]
    if work.startswith("infer") and peer == "onnxruntime":
        return TARGETS.get((work, subject, peer), LEAST_INFERENCE)
    return TARGETS.get((work, subject, peer))


def contests(subject, works):
    """(work label, request for assay, [(peer name, request for the peer)]) of one subject."""
    about = SUBJECTS[subject]
    base = {"model": about["model"], "params": about["params"], "input": about["input"]}
    torch = {"peer": "torch", "model": subject, "input": about["input"]}
    if "train" in works:
        one = {"work": "train", "batch": about["train"]}
        yield "train", {**base, **one}, [("torch", {**torch, **one})]
    if "train-bf16" in works and subject in LOWERED:
        one = {"work": "train", "batch": about["train"]}
        yield "train-bf16", {**base, **one, "precision": "bf16"}, [("torch", {**torch, **one})]
    if "pgd" in works:
        one = {"work": "pgd", "batch": about["pgd"]}
        yield "pgd", {**base, **one}, [(f"torch-{v}", {**torch, **one, "variant": v}) for v in ("frozen", "naive")]
    for batch in about["infer"]:
        one = {"work": "infer", "batch": batch}
        if "infer" in works:
            peers = [("torch-jit", {**torch, **one}), ("onnxruntime", {**torch, **one, "peer": "onnx"})]
            yield f"infer-b{batch}", {**base, **one}, peers
        if "infer-lowered" in works and subject in LOWERED:
            for precision in OWN_TARGETS:
                own = [("assay-f32", {**base, **one, "peer": "assay"})]
                yield f"infer-b{batch}-{precision}", {**base, **one, "precision": precision}, own
