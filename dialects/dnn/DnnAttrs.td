// The enumerations of the dnn ops.
#ifndef DNN_ATTRS_TD
#define DNN_ATTRS_TD

include "dnn/DnnDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Dnn_Enum<string name, string description, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, description, cases> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::mlir::dnn";
}

class Dnn_EnumAttr<EnumInfo info, string attrMnemonic> : EnumAttr<Dnn_Dialect, info, attrMnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

def Dnn_Layout : Dnn_Enum<"Layout", "where the channel dimension stands", [
    I32EnumAttrCase<"ChannelsFirst", 0, "channels_first">,
    I32EnumAttrCase<"ChannelsLast", 1, "channels_last">]>;

def Dnn_LayoutAttr : Dnn_EnumAttr<Dnn_Layout, "layout"> {
  let summary = "Where the channel dimension stands";
  let description = [{
    - `channels_first`: N, C, spatial... (NCHW), filters [F, C/groups, spatial...];
    - `channels_last`: N, spatial..., C (NHWC), filters [F, spatial..., C/groups] (KRSC).
  }];
}

def Dnn_ResizeMode : Dnn_Enum<"ResizeMode", "how a resized value is interpolated", [
    I32EnumAttrCase<"Nearest", 0, "nearest">, I32EnumAttrCase<"Linear", 1, "linear">]>;

def Dnn_ResizeModeAttr : Dnn_EnumAttr<Dnn_ResizeMode, "resize_mode"> {
  let summary = "How a resized value is interpolated";
  let description = [{
    - `nearest`: the value at the source position, rounded down;
    - `linear`: between the two neighbours along each axis (bilinear, trilinear).
  }];
}

def Dnn_Coordinates : Dnn_Enum<"Coordinates", "how a destination position maps to the source", [
    I32EnumAttrCase<"Asymmetric", 0, "asymmetric">,
    I32EnumAttrCase<"HalfPixel", 1, "half_pixel">,
    I32EnumAttrCase<"AlignCorners", 2, "align_corners">]>;

def Dnn_CoordinatesAttr : Dnn_EnumAttr<Dnn_Coordinates, "coordinates"> {
  let summary = "How a destination position maps to a source position";
  let description = [{
    With scale = source size / destination size (or the op's `scales`):
    - `asymmetric`: dst * scale (PyTorch's `nearest`);
    - `half_pixel`: (dst + 0.5) * scale, less 0.5 and not below 0 for `linear` (PyTorch's
      `nearest-exact`, and `bilinear` without align_corners);
    - `align_corners`: dst * (source size - 1) / (destination size - 1), 0 for a destination of size
      1; for `linear` only.
  }];
}

#endif // DNN_ATTRS_TD
