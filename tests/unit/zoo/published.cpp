// The rows of the table, by family, and its Markdown.
#include "tests/unit/zoo/published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/graph/zoo/zoo.hpp"

namespace assay::zoo {

namespace {

const char* const cifar_models = "pytorch-cifar-models (README of chenyaofo/pytorch-cifar-models)";
const char* const torchvision = "torchvision, weights' metadata";
const char* const imgclsmob = "osmr/imgclsmob, asserted counts";

std::vector<Published> residual() {
  const engine::Shape cifar = {3, 32, 32}, imagenet = {3, 224, 224};
  return {
      {"ResNet-20", "resnet20", "{}", cifar, 10, {272474, 1}, {40.81e6, 1e4}, std::string(cifar_models) + "; " + imgclsmob, 0, 0, ""},
      {"ResNet-20, padded shortcuts", "resnet", R"({"padding": 1})", cifar, 10, {269722, 1}, {}, "He et al. 2016, table 6, 0.27 M; sum of the layers", 0, 0, ""},
      {"ResNet-32, padded shortcuts", "resnet", R"({"depth": 32, "padding": 1})", cifar, 10, {0.46e6, 1e4}, {}, "He et al. 2016, table 6", 0, 0, ""},
      {"ResNet-44, padded shortcuts", "resnet", R"({"depth": 44, "padding": 1})", cifar, 10, {0.66e6, 1e4}, {}, "He et al. 2016, table 6", 0, 0, ""},
      {"ResNet-56, padded shortcuts", "resnet", R"({"depth": 56, "padding": 1})", cifar, 10, {0.85e6, 1e4}, {}, "He et al. 2016, table 6", 0, 0, ""},
      {"ResNet-110, padded shortcuts", "resnet", R"({"depth": 110, "padding": 1})", cifar, 10, {1.7e6, 1e5}, {}, "He et al. 2016, table 6", 0, 0, ""},
      {"ResNet-32", "resnet", R"({"depth": 32})", cifar, 10, {0.47e6, 1e4}, {69.12e6, 1e4}, cifar_models, 0, 0, ""},
      {"ResNet-44", "resnet", R"({"depth": 44})", cifar, 10, {0.66e6, 1e4}, {97.44e6, 1e4}, cifar_models, 0, 0, ""},
      {"ResNet-56", "resnet", R"({"depth": 56})", cifar, 10, {855770, 1}, {125.75e6, 1e4}, std::string(cifar_models) + "; " + imgclsmob, 0, 0, ""},
      {"ResNet-18, 3x3 stem", "resnet18", "{}", cifar, 10, {11173962, 1}, {0.56e9, 1e7}, "kuangliu/pytorch-cifar, summary of ResNet18", 0, 0, ""},
      {"ResNet-34, 3x3 stem", "resnet34", "{}", cifar, 10, {21.28e6, 1e4}, {1.16e9, 1e7}, "da2so/DA2Lite, model_zoo/README", 0, 0, ""},
      {"ResNet-18", "resnet18", R"({"large": 1})", imagenet, 1000, {11689512, 1}, {1.814e9, 1e6}, torchvision, 0, 0, ""},
      {"ResNet-34", "resnet34", R"({"large": 1})", imagenet, 1000, {21797672, 1}, {3.664e9, 1e6}, torchvision, 0, 0, ""},
      {"pre-activation ResNet-18", "preact-resnet", "{}", cifar, 10, {11171146, 1}, {}, "kuangliu/pytorch-cifar, PreActResNet18", 1024, 0,
       "the last batch norm of the paper (2 x 512), which that code leaves out"},
      {"pre-activation ResNet-110", "preact-resnet", R"({"blocks": [18, 18, 18], "width": 16})", cifar, 10, {1730522, 1}, {}, std::string("He et al. 2016 (pre-activation), table 2, 1.7 M; ") + imgclsmob, 0, 0, ""},
      {"WRN-28-10", "wide-resnet", R"({"depth": 28, "widen": 10})", cifar, 10, {36479194, 1}, {5.2e9, 1e8}, std::string("Zagoruyko & Komodakis 2016, 36.5 M, 5.2 G; ") + imgclsmob, 0, 0, ""},
      {"WRN-40-4", "wide-resnet", R"({"depth": 40, "widen": 4})", cifar, 10, {8.9e6, 1e5}, {}, "Zagoruyko & Komodakis 2016, table 4", 0, 0, ""},
      {"WRN-16-8", "wide-resnet", R"({"depth": 16, "widen": 8})", cifar, 10, {11.0e6, 1e5}, {}, "Zagoruyko & Komodakis 2016, table 4", 0, 0, ""},
  };
}

std::vector<Published> mobile() {
  const engine::Shape cifar = {3, 32, 32}, imagenet = {3, 224, 224};
  return {
      {"MobileNetV2, small images", "mobilenet-v2", "{}", cifar, 10, {2.24e6, 1e4}, {87.98e6, 1e4}, cifar_models, 0, 0, ""},
      {"MobileNetV2 x1.4, small images", "mobilenet-v2", R"({"width": 1.4})", cifar, 10, {4.33e6, 1e4}, {170.07e6, 1e4}, cifar_models, 0, 0, ""},
      {"MobileNetV2", "mobilenet-v2", R"({"large": 1})", imagenet, 1000, {3504872, 1}, {0.301e9, 1e6}, torchvision, 0, 0, ""},
      {"MobileNetV3 large", "mobilenet-v3-large", R"({"large": 1})", imagenet, 1000, {5483032, 1}, {0.217e9, 1e6}, torchvision, 0, 0, ""},
      {"MobileNetV3 small", "mobilenet-v3-small", R"({"large": 1})", imagenet, 1000, {2542856, 1}, {0.057e9, 1e6}, torchvision, 0, 0, ""},
      {"EfficientNet-B0", "efficientnet", R"({"large": 1})", imagenet, 1000, {5288548, 1}, {0.386e9, 1e6}, torchvision, 0, 0, ""},
  };
}

std::vector<Published> plain() {
  const engine::Shape cifar = {3, 32, 32}, imagenet = {3, 224, 224}, inception = {3, 299, 299};
  const std::string norms = "that count adds two operations for each output of a batch norm";
  const std::string no_bias = "convolutions before batch norm have no bias";
  const std::string timm = std::string(imgclsmob) + "; MACs of pytorch-image-models' table of results";
  return {
      {"VGG-11", "vgg", R"({"depth": 11, "hidden": [4096, 4096], "batch_norm": 0})", imagenet, 1000, {132863336, 1}, {7.609e9, 1e6}, torchvision, 0, 0, ""},
      {"VGG-13", "vgg", R"({"depth": 13, "hidden": [4096, 4096], "batch_norm": 0})", imagenet, 1000, {133047848, 1}, {11.308e9, 1e6}, torchvision, 0, 0, ""},
      {"VGG-16", "vgg", R"({"depth": 16, "hidden": [4096, 4096], "batch_norm": 0})", imagenet, 1000, {138357544, 1}, {15.47e9, 1e7}, torchvision, 0, 0, ""},
      {"VGG-19", "vgg", R"({"depth": 19, "hidden": [4096, 4096], "batch_norm": 0})", imagenet, 1000, {143667240, 1}, {19.632e9, 1e6}, torchvision, 0, 0, ""},
      {"VGG-16 with batch norm", "vgg", R"({"hidden": [4096, 4096]})", imagenet, 1000, {138365992, 1}, {15.47e9, 1e7}, torchvision, -4224, 0, no_bias},
      {"VGG-16 with batch norm, small images", "vgg", R"({"hidden": [512, 512]})", cifar, 10, {15.25e6, 1e4}, {313.73e6, 1e4}, cifar_models, -4224, 0, no_bias},
      {"DenseNet-BC-100, growth 12", "densenet", "{}", cifar, 10, {769162, 1}, {}, std::string("Huang et al. 2017, table 2, 0.8 M; ") + imgclsmob, 0, 0, ""},
      {"DenseNet-BC-190, growth 40", "densenet", R"({"blocks": [31, 31, 31], "growth": 40})", cifar, 10, {25624430, 1}, {}, std::string("Huang et al. 2017, table 2, 25.6 M; ") + imgclsmob, 0, 0, ""},
      {"DenseNet-121", "densenet", R"({"blocks": [6, 12, 24, 16], "growth": 32, "large": 1})", imagenet, 1000, {7978856, 1}, {2.834e9, 1e6}, torchvision, 0, 0, ""},
      {"Inception-v4", "inception-v4", R"({"width": 1.0, "blocks": [4, 7, 3], "large": 1})", inception, 1000, {42679816, 1}, {12.28e9, 1e7}, timm, 0, -30178368, norms},
      {"Inception-ResNet-v2", "inception-resnet", R"({"width": 1.0, "blocks": [10, 20, 10], "large": 1})", inception, 1000, {55843464, 1}, {13.18e9, 1e7}, timm, 0, -27038272, norms},
  };
}

std::vector<Published> series() {
  const std::string by_layers = "sum of the layers of Wang et al. 2017";
  return {
      {"fully convolutional net for series", "cnn1d", "{}", {1, 96}, 10, {265482, 1}, {}, by_layers, 0, 0, ""},
      {"residual net for series", "resnet1d", "{}", {1, 96}, 10, {504138, 1}, {}, by_layers, 0, 0, ""},
  };
}

std::vector<Published> tokens() {
  const engine::Shape cifar = {3, 32, 32}, imagenet = {3, 224, 224};
  const std::string by_layers = "sum of the layers";
  const std::string vit_tiny = R"({"depth": 12, "patch": 16, "class_token": 1})";
  const std::string vit_base = R"({"width": 768, "depth": 12, "heads": 12, "patch": 16, "class_token": 1})";
  return {
      {"ViT, width 192, 6 blocks, patch 4, mean of tokens", "vit", "{}", cifar, 10, {2693194, 1}, {179.9e6, 1e5}, "sum of the layers, attention's products included", 0, 0, ""},
      {"ViT-tiny, patch 16", "vit", vit_tiny, imagenet, 1000, {5717416, 1}, {}, "pytorch-image-models, vit_tiny_patch16_224", 0, 0, ""},
      {"ViT-B, patch 16", "vit", vit_base, imagenet, 1000, {86567656, 1}, {17.564e9, 1e6}, torchvision, 0, 0, ""},
      {"MLP-Mixer S/16", "mlp-mixer", R"({"width": 512, "patch": 16})", imagenet, 1000, {18528264, 1}, {}, "pytorch-image-models, mixer_s16_224; Tolstikhin et al. 2021, table 1, 18 M", 0, 0, ""},
      {"ConvNeXt-T", "convnext", R"({"patch": 4})", imagenet, 1000, {28589128, 1}, {4.456e9, 1e6}, torchvision, 0, 0, ""},
      {"InceptionNeXt-T", "inception-next", R"({"patch": 4})", imagenet, 1000, {28.06e6, 1e4}, {4.2e9, 1e8}, "Yu et al. 2024, table 3, 28 M, 4.2 G; pytorch-image-models, 28.06 M", 0, 0, ""},
      {"FT-Transformer, 8 columns", "ft-transformer", "{}", {8}, 2, {895106, 1}, {}, by_layers + " of Gorishniy et al. 2021", 0, 0, ""},
      {"CLIP ViT-B/32", "clip",
       R"({"width": 768, "depth": 12, "heads": 12, "patch": 32, "text_width": 512, "text_depth": 12, "text_heads": 8, "context": 77, "vocabulary": 49408, "embedding": 512})",
       imagenet, 10, {151277313, 1}, {}, "openai/CLIP, ViT-B/32", 0, 0, ""},
      {"LSTM, 28 rows of 28 pixels", "lstm", "{}", {28, 28}, 10, {82186, 1}, {}, by_layers + ": 4 H (I + H) + 8 H and the classifier", 0, 0, ""},
      {"GRU, 28 rows of 28 pixels", "gru", "{}", {28, 28}, 10, {61962, 1}, {}, by_layers + ": 3 H (I + H) + 6 H and the classifier", 0, 0, ""},
  };
}

std::vector<Published> generative() {
  return {
      {"U-Net of DDPM on CIFAR-10", "unet", R"({"width": 128})", {3, 32, 32}, 10, {35746307, 1}, {6.1e9, 1e8},
       "Ho et al. 2020, 35.7 M; weights of google/ddpm-cifar10-32; MACs of Fang et al. 2023 (Diff-Pruning), table 1", 0, 167903232,
       "the two products of attention, 5 blocks of 256 tokens and one of 16, which a counter of modules does not see"},
      {"DCGAN, 64 pixels", "dcgan", "{}", {3, 64, 64}, 10, {6342272, 1}, {}, "pytorch/examples, dcgan: generator 3576704 and discriminator 2765568", 0, 0, ""},
  };
}

std::vector<Published> classic() {
  return {
      {"autoencoder 784-1000-500-250-30", "autoencoder", "{}", {1, 28, 28}, 10, {2837314, 1}, {2833000, 1}, "sum of the layers of Hinton & Salakhutdinov 2006", 0, 0, ""},
      {"MLP 784-512-512-10", "mlp", "{}", {1, 28, 28}, 10, {669706, 1}, {668672, 1}, "sum of the layers", 0, 0, ""},
      {"LeNet-5", "lenet", "{}", {1, 32, 32}, 10, {61706, 1}, {416520, 1}, "LeCun et al. 1998, sizes of figure 2, full connection from S2 to C3", 0, 0, ""},
  };
}

}  // namespace

const std::vector<Published>& published() {
  static const std::vector<Published> all = [] {
    std::vector<Published> rows = classic();
    for (const auto& more : {plain(), residual(), mobile(), tokens(), series(), generative()}) rows.insert(rows.end(), more.begin(), more.end());
    return rows;
  }();
  return all;
}

bool agrees(double ours, double extra, const Figure& figure) {
  return figure.unit == 0 || std::abs(ours - extra - figure.value) <= (figure.unit == 1 ? 0 : figure.unit / 2);
}

namespace {

// A published figure as its source prints it: exact, or in millions to the unit it was rounded to.
std::string shown(const Figure& figure) {
  if (figure.unit == 0) return "";
  if (figure.unit == 1) return fmt::format("{:.0f}", figure.value);
  return fmt::format("{:.{}f} M", figure.value / 1e6, std::max(0, static_cast<int>(std::lround(6 - std::log10(figure.unit)))));
}

std::string shape_of(const engine::Shape& shape) {
  std::string text;
  for (const std::int64_t extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

std::string difference(const Published& row) {
  if (row.reason.empty()) return "";
  std::string text;
  if (row.extra_weights != 0) text += fmt::format("{:+.0f} parameters", row.extra_weights);
  if (row.extra_macs != 0) text += fmt::format("{}{:+.0f} multiply-adds", text.empty() ? "" : ", ", row.extra_macs);
  return text + ": " + row.reason;
}

}  // namespace

std::string zoo_table() {
  std::string text =
      "# Sizes of the zoo's architectures against the published ones\n\n"
      "Written by `ASSAY_GOLDEN=collect build/tests/test_zoo -tc=\"the table of sizes*\"`; the same test fails when it is out of\n"
      "date. Parameters are all weights (batch norm's scale and shift included, running statistics not); multiply-adds are\n"
      "those of one sample in convolutions and matrix products. A figure in M was published rounded to the digits shown, and\n"
      "ours rounds to it; a plain number is exact, and ours is equal but for the difference that the last column explains.\n\n"
      "| architecture | built as | input | classes | parameters, published | ours | multiply-adds, published | ours | source | difference |\n"
      "|---|---|---|--:|--:|--:|--:|--:|---|---|\n";
  for (const Published& row : published()) {
    const Size size = size_of(row.arch, Json::parse(row.params), row.input, row.classes);
    text += fmt::format("| {} | `{}{}` | {} | {} | {} | {} | {} | {:.0f} | {} | {} |\n", row.label, row.arch,
                        row.params == "{}" ? "" : " " + row.params, shape_of(row.input), row.classes, shown(row.weights),
                        size.params, shown(row.macs), size.macs, row.source, difference(row));
  }
  return text;
}

}  // namespace assay::zoo
